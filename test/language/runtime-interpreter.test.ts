// What statements do, on the real engine.
import assert from 'node:assert/strict';
import { compiled, booted, printed, run } from './running.ts';
import { run_machine } from '../../engine/index.ts';
import { framesOf, hasFailed, namesOf, programOutput, visibleLocals } from '../../language/runtime/index.ts';

const NOTE = 'def note(tag, value) { print("note", tag) return value }';

function check(body: string, expected: string, before = ''): void {
  assert.equal(printed(body, before), expected);
}

describe('a body', () => {
  it('allocates and frees pages', () => {
    check(`
      let p = alloc_pages(GFP_KERNEL, 4)
      if p == 0 { print("failed") } else { print(p.order, page(p.pfn) == p, p.zone == zones.NORMAL) free_pages(p, 4) }
      print(alloc_pages(GFP_KERNEL, 11))`, '0 true true\n0');
  });

  it('frees a zeroed page by its page or by its address', () => {
    check('let z = get_zeroed_page(GFP_KERNEL) let p = page_of(z) print(z == 0xC0000000 + p.pfn * 4KiB) free_pages(p, 0) free_pages(get_zeroed_page(GFP_KERNEL), 0)', 'true');
  });

  it('counts up and down, over ranges and lists', () => {
    check('for i in 0 .. 7 step 3 { print(i) } for i in 2 .. 0 step -1 { print("down", i) } for i in 3 .. 3 { print("never") }', '0\n3\n6\ndown 2\ndown 1');
    check('for x in [1, "a", [2]] { print(x) } for z in zones { print(z.name) } repeat 2 as i { print("r", i) } repeat 1 { print("once") }',
      '1\na\n[2]\nDMA\nNormal\nr 0\nr 1\nonce');
    check('for i in 0xFFFFFFFFFFFFFFFE .. 0xFFFFFFFFFFFFFFFF { print(i) }', '18446744073709551614');
  });

  it('leaves and goes on in the innermost loop', () => {
    check('let i = 0 while true { i += 1 for j in 0 .. 9 { if j == 1 { break } } if i < 3 { continue } if i > 3 { break } else if i == 3 { print("three") } else { print("no") } } print(i)', 'three\n4');
  });

  it('changes the range no more once it has begun', () => {
    check('let n = 2 for i in 0 .. n { n = 9 i = 7 print(i) }', '7\n7');
  });

  it('has variables of its blocks alone', () => {
    check('let x = 1 if true { let x = 2 print(x) x += 1 print(x) } print(x) repeat 2 { let y = x x += 1 print(y) }', '2\n3\n1\n1\n2');
  });

  it('sets items of lists, which are shared; constants stay as they are', () => {
    check('let l = LIST let m = l m[0] = 9 m[2][0] += 1 print(l, LIST, [1] + [2] == [1, 2])', '[9, 2, [4]] [1, 2, [3]] true', 'const LIST = [1, 2, [3]]');
  });

  it('evaluates from left to right, and only what is asked for', () => {
    check('print(note("a", 1) + note("b", 2) * note("c", 3))', 'note a\nnote b\nnote c\n7', NOTE);
    check('print(note("a", 0) && note("b", 1), note("c", 0) || note("d", 1) || note("e", 1))', 'note a\nnote c\nnote d\nfalse true', NOTE);
    check('print(note("a", 1) > 0 ? note("b", 2) : note("c", 3))', 'note a\nnote b\n2', NOTE);
    check('let l = [1, 2] print(l[0] + set(l) + l[0]) l[1] += set(l) print(l)', '21\n[10, 12]', 'def set(l) { l[0] = 10 return 10 }');
    check('print(sub(b: note("b", 1), a: note("a", 5)))', 'note b\nnote a\n4', `${NOTE} def sub(a, b) { return a - b }`);
  });

  it('calls itself 256 deep and no deeper', () => {
    check('print(down(255))', '0', 'def down(n) { if n == 0 { return 0 } return down(n - 1) }');
    check('down(256)', 'error failed: test.pagewalk:2:45: `down` is called too deeply: 256 calls inside one another are possible.', 'def down(n) { if n == 0 { return 0 } return down(n - 1) }');
  });

  it('gives 0 where a def returns nothing', () => {
    check('print(f(), g(1), g(0))', '0 1 0', 'def f() { } def g(x) { if x { return x } return; }');
  });

  it('draws the same random numbers for the same seed, each task its own', () => {
    const text = (seed: number): string => `machine { memory 64MiB seed ${seed} } kernel a { print(random(1000), random(1000)) } kernel b { print(random(1000)) }`;
    const lines = (seed: number): string[] => run(text(seed)).output.map((record) => record.text);
    assert.deepEqual(lines(1), lines(1));
    assert.notDeepEqual(lines(1), lines(2));
    check('repeat 200 { let r = random(3) if r < 0 || r > 2 { print("outside") } }', '');
  });

  it('reads what is imported', () => {
    const { output } = run('import "lib.pagewalk" kernel k { print(double(SIZE)) }', { 'lib.pagewalk': 'const SIZE = 4KiB def double(x) { return x * 2 }' });
    assert.deepEqual(output.map((record) => record.text), ['8192']);
  });
});

describe('tasks', () => {
  it('sleep, wait for each other and take turns', () => {
    const { output, end } = run(`
      kernel a { print("a", now / 1000000) sleep 5ms print("a", now / 1000000) }
      kernel b at 2ms { print("b") wait a print("b after a") }
      kernel c after b { print("c") }`);
    assert.deepEqual(output.map((record) => `${record.task}: ${record.text}`), ['a: a 0', 'b: b', 'a: a 5', 'b: b after a', 'c: c']);
    assert.equal(end.reason, 'ended');
  });

  it('that wait for each other are a deadlock', () => {
    const { end } = run('kernel a { wait b } kernel b { wait a }');
    assert.deepEqual(end.waiting, [{ name: 'a', waits_for: 'the end of b' }, { name: 'b', waits_for: 'the end of a' }]);
  });

  it('end by `exit`, in a def too', () => {
    const { output, machine } = run('def quit() { exit 3 } kernel a { quit() print("never") }');
    assert.deepEqual(output, []);
    assert.equal(machine.k.tasks[1]!.exit_code, 3);
  });

  it('lose the CPU after their quantum', () => {
    const { output } = run('machine { memory 64MiB cost quantum 1us } kernel a { repeat 30 { } print("a") } kernel b { print("b") }');
    assert.deepEqual(output.map((record) => record.text), ['b', 'a']);
  });
});

describe('time', () => {
  it('goes on by 100 ns for each executed statement; a loop is one', () => {
    const spent = (body: string): number => {
      const { output } = run(`kernel a { let t = now ${body} print(now - t) }`);
      return Number(output[0]!.text);
    };
    assert.equal(spent(''), 100);
    assert.equal(spent('let x = 1'), 200);
    assert.equal(spent('repeat 10 { t += 0 }'), 1200);
    assert.equal(spent('if false { } else if false { } else { t += 0 }'), 300);
  });

  it('does not stand still in an empty loop', () => {
    assert.equal(printed('while now < 1ms { } print(now >= 1ms)'), 'true');
  });
});

describe('hooks', () => {
  it('are passed before each statement, and at a loop\'s head each time round', () => {
    const { hooks, linked } = run('kernel a {\nrepeat 2 {\nprint(1)\n}\nif false {\n} else if true {\nprint(2)\n}\n}');
    assert.deepEqual(hooks.map((id) => linked.data.statements[id]!.line - 1), [2, 3, 2, 3, 2, 5, 6, 7]);
  });

  it('see the frames and the visible locals', () => {
    const seen: string[] = [];
    const data = compiled('const C = 5\ndef f(a) {\nlet b = a + 1\nreturn b\n}\nkernel k {\nlet x = 1\nif true { let y = f(x) }\nlet z = 3\n}');
    const { machine } = booted(data, {
      statement(k, id) {
        const frames = framesOf(k.tasks[k.current]!.program);
        const names = frames.map((frame) => visibleLocals(data, frame).map((local) => `${local.name}=${String(frame.slots[local.slot])}`).join(' '));
        seen.push(`${data.statements[id]!.line - 1} ${frames.map((frame, i) => `${data.routines[frame.routine]!.name}(${names[i]!})`).join(' ')}`);
      },
    });
    run_machine(machine);
    assert.deepEqual(seen, ['7 k()', '8 k(x=1)', '8 k(x=1)', '3 k(x=1) f(a=1)', '4 k(x=1) f(a=1 b=2)', '9 k(x=1)']);
    assert.deepEqual([...namesOf(data, null)], [['C', 5]]);
  });

  it('tell of a breakpoint and of everything that is said', () => {
    const heard: string[] = [];
    const data = compiled('kernel a { breakpoint print("x") expect 1 == 2 "one is two" }\nexpect 2 == 2');
    const { machine, linked } = booted(data, { breakpoint: (_, id) => heard.push(`breakpoint ${id}`), output: (_, record) => heard.push(`${record.kind} ${record.text} ${record.ok} ${record.message}`) });
    run_machine(machine);
    assert.equal(linked.finish(machine.k), false);
    assert.deepEqual(heard, ['breakpoint 0', 'print x true null', 'expect 1 == 2 false one is two', 'expect 2 == 2 true null']);
  });
});

describe('the boot block', () => {
  it('runs before the page allocator, at time 0', () => {
    const { output } = run('boot { let a = alloc_bootmem(4KiB) let b = alloc_bootmem_low(1) print(a >= 16MiB, b < 16MiB) free_bootmem(a, 4KiB) } kernel k { print("up") }');
    assert.deepEqual(output.map((record) => [record.task, record.text, record.time === 0]), [['boot', 'true true', true], ['k', 'up', false]]);
  });
});

describe('a broken scenario', () => {
  const broken: [string, string][] = [
    ['let z = 0 let x = 1 / z', '3:19: Division by zero.'],
    ['print([1][1])', '3:7: Index 1 is outside 0 … 0.'],
    ['let l = [1] l[-1] = 2', '3:13: Index -1 is outside a list of 1.'],
    ['let x = 0xFFFFFFFFFFFFFFFF + 1', '3:9: 18446744073709551616 is outside -2^63 … 2^64-1.'],
    ['free_pages(alloc_pages(GFP_KERNEL, 11), 0)', '3:1: A page is expected, not 0 (a failed allocation).'],
    ['for i in 0 .. 2 step 1 - 1 { }', '3:10: A step of 0 never ends.'],
    ['print(page(16384))', '3:7: There is no frame 16384: this machine has 0 … 16383.'],
    ['print(random(0))', '3:7: `random` takes a positive number, not 0.'],
    ['sleep 0 - 1', '3:1: A sleep of -1 ns: a time is 0 or more.'],
  ];
  for (const [body, message] of broken) {
    it(`stops at ${body}`, () => {
      const { machine, end } = run(`kernel driver {\n${body}\n}\nkernel other at 1s { print("never") }`);
      assert.deepEqual(programOutput(machine.k).map((record) => record.text), [`test.pagewalk:${message}`]);
      assert.equal(end.reason, 'halted');
      assert.ok(hasFailed(machine.k));
    });
  }

  it('fails a top-level expectation that cannot be evaluated', () => {
    const { output, passed } = run('kernel k { }\nexpect zones.NORMAL.pcp[7].hot.count == 0\nexpect 1 == 1');
    assert.deepEqual(output.map((record) => record.text), ['test.pagewalk:3:8: Index 7 is outside 0 … 0.', '1 == 1']);
    assert.equal(passed, false);
  });
});
