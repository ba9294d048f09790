// What the compiler makes of bodies: whole listings.
import assert from 'node:assert/strict';
import { compileExpression } from '../../language/index.ts';
import { compiled } from './running.ts';
import { listing, text } from './listing.ts';

/** Lines of the listing count from the body's first line. */
function check(source: string, expected: string): void {
  const found = listing(compiled(`machine { memory 64MiB } ${source.trim()}`)).replace(/ +$/gm, '');
  assert.equal(found, expected.replace(/^\n/, '').replace(/\n *$/, '').replace(/^ {6}/gm, ''));
}

describe('the compiler', () => {
  it('makes a call an instruction of its own, and a plain `if` a jump', () => {
    check('kernel k { let p = alloc_pages(GFP_KERNEL, 4)\nif p == 0 { print("failed") }\nelse { free_pages(p, 4) } }', `
      task k()
        0 statement at 1
        1 $0 = alloc_pages(208, 4)
        2 statement at 2
        3 unless (p == 0) goto 7
        4 statement at 2
        5 print("failed")
        6 goto 9
        7 statement at 3
        8 free_pages(p, 4)
        9 return
          p is $0 from 2 to 9
      `);
  });

  it('holds what is evaluated before a call that acts', () => {
    check('def f(a) { return a } kernel k { let l = [1]\nprint(l[0] + f(l) * l[0], f(f(2))) }', `
      task k()
        0 statement at 1
        1 $0 = [1]
        2 statement at 2
        3 $1 = l[0]
        4 $2 = def f(l)
        5 $3 = ($1 + ($2 * l[0]))
        6 $4 = def f(2)
        7 $5 = def f($4)
        8 print($3, $5)
        9 return
          l is $0 from 2 to 9
      def f(a)
        0 statement at 1
        1 return a
        2 return
          a is $0 from 0 to 3
      `);
  });

  it('jumps over what is not to be evaluated', () => {
    check('kernel k { let a = 1\nlet b = a && random(2) || !random(3)\nlet c = a ? random(4) : 0\nlet d = a && b }', `
      task k()
        0 statement at 1
        1 $0 = 1
        2 statement at 2
        3 $3 = !!a
        4 unless $3 goto 7
        5 $4 = random(2)
        6 $3 = !!$4
        7 $2 = !!$3
        8 unless !$2 goto 11
        9 $5 = random(3)
       10 $2 = !!!$5
       11 $1 = $2
       12 statement at 3
       13 unless a goto 17
       14 $4 = random(4)
       15 $3 = $4
       16 goto 18
       17 $3 = 0
       18 $2 = $3
       19 statement at 4
       20 $3 = (a && b)
       21 return
          a is $0 from 2 to 21
          b is $1 from 12 to 21
          c is $2 from 19 to 21
          d is $3 from 21 to 21
      `);
  });

  it('makes loops of a counter or a list, with a way out', () => {
    check('kernel k {\nfor i in 0 .. 8 step 2 { if i == 4 { break }\ncontinue }\nfor z in zones { }\nrepeat 3 { print(1) }\nwhile now < 5 { sleep 1ms } }', `
      task k()
        0 statement at 2
        1 $0 = 0 .. 8 step 2
        2 $3 = next of $0 else goto 11
        3 statement at 2
        4 unless (i == 4) goto 7
        5 statement at 2
        6 goto 11
        7 statement at 3
        8 goto 9
        9 head at 2
       10 goto 2
       11 statement at 4
       12 $0 = items of zones
       13 $2 = next of $0 else goto 16
       14 statement at 4
       15 goto 13
       16 statement at 5
       17 $0 = 0 .. 3 step 1
       18 next of $0 else goto 23
       19 statement at 5
       20 print(1)
       21 head at 5
       22 goto 18
       23 statement at 6
       24 unless (now < 5) goto 29
       25 statement at 6
       26 sleep 1000000
       27 head at 6
       28 goto 24
       29 return
          i is $3 from 3 to 11
          z is $2 from 14 to 16
      `);
  });

  it('sets variables and items', () => {
    check('kernel k { let l = [1, [2]]\nl[1][0] = random(5)\nl[0] += random(6)\nlet x = 1\nx *= l[0] + 1\nx = random(7) }', `
      task k()
        0 statement at 1
        1 $0 = [1, [2]]
        2 statement at 2
        3 $1 = l[1]
        4 $2 = random(5)
        5 $1[0] = $2
        6 statement at 3
        7 $1 = l[0]
        8 $2 = random(6)
        9 l[0] = ($1 + $2)
       10 statement at 4
       11 $1 = 1
       12 statement at 5
       13 $1 = (x * (l[0] + 1))
       14 statement at 6
       15 $1 = random(7)
       16 return
          l is $0 from 2 to 16
          x is $1 from 12 to 16
      `);
  });
});

describe('a process', () => {
  it('forks a child that goes on behind the instruction, and ends with its block', () => {
    check('process p { let a = 1\nlet pid = fork c { let b = a\nwhile b < 2 { break } }\nrepeat 2 { fork d { }\nbreak }\nwait c wait all wait q }\nprocess q times 2 { }', `
      task p()
        0 statement at 1
        1 $0 = 1
        2 statement at 2
        3 $1 = fork c, the parent goes to 13
        4 statement at 2
        5 $2 = a
        6 statement at 3
        7 unless (b < 2) goto 12
        8 statement at 3
        9 goto 12
       10 head at 3
       11 goto 7
       12 exit
       13 statement at 4
       14 $2 = 0 .. 2 step 1
       15 next of $2 else goto 23
       16 statement at 4
       17 fork d, the parent goes to 19
       18 exit
       19 statement at 5
       20 goto 23
       21 head at 4
       22 goto 15
       23 statement at 6
       24 wait fork c
       25 statement at 6
       26 wait all
       27 statement at 6
       28 wait q.0, q.1
       29 return
          a is $0 from 2 to 29
          b is $2 from 6 to 12
          pid is $1 from 13 to 29
      task q()
        0 return
      `);
  });

  it('touches a range by an instruction that keeps its place', () => {
    check('process p { let a = mmap(4pages)\ntouch a .. a + 4pages\ntouch a .. a + getpid() write step 8 }', `
      task p()
        0 statement at 1
        1 $0 = mmap(16384, 3, 34, -1, 0, 0)
        2 statement at 2
        3 $1 = a .. (a + 16384) step 4096
        4 touch as allowed $1, page by page
        5 statement at 3
        6 $1 = getpid()
        7 $2 = a .. (a + $1) step 8
        8 touch write $2
        9 return
          a is $0 from 2 to 9
      `);
  });
});

describe('an expression', () => {
  it('leaves unknown names free and knows the constants of Linux', () => {
    assert.equal(text(compileExpression('order > 3 && !(gfp_mask & __GFP_WAIT)').expression!), '((order > 3) && !(gfp_mask & 16))');
    assert.equal(text(compileExpression('EIO', ['EIO']).expression!), 'EIO');
  });

  it('carries its places', () => {
    const { expression } = compileExpression('a +\n  b.c');
    assert.ok(expression?.kind === 'binary');
    assert.deepEqual(expression.right.at, { file: 0, line: 2, column: 3, endLine: 2, endColumn: 6 });
  });
});
