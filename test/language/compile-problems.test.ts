// What the machine cannot do yet is an error at its place, and nothing makes the compiler throw.
import assert from 'node:assert/strict';
import { compileScenario } from '../../language/index.ts';
import { CALLS_NOT_MODELLED } from '../../language/compiler/not-modelled.ts';
import { ATOMIC_CALLS, SLEEPING_CALLS } from '../../language/runtime/calls.ts';
import { KERNEL_CALLS, BOOT_CALLS } from '../../language/vocabulary/calls.ts';
import { compiled } from './running.ts';

function problems(text: string): string[] {
  return compileScenario(text, 'test.pagewalk').problems.map((problem) => `${problem.line}:${problem.column}: ${problem.message}`);
}

describe('what is not modelled yet', () => {
  const machine = 'machine { memory 64MiB }\n';
  const cases: [string, string[]][] = [
    [`${machine}process p { }`, ['2:1: `process` is not modelled yet: this version runs kernel threads only.']],
    [`${machine}kernel k { let p = kmalloc(128) }`, ['2:20: `kmalloc` is not modelled yet: this version runs kernel threads and the page allocator only.']],
    [`${machine}kernel k { expect current.rss == 0 }`, ['2:27: `rss` is not modelled yet: this version runs kernel threads and the page allocator only.']],
    [`${machine}kernel k { }\nexpect oom.kills == 0`, ['3:8: `oom` is not modelled yet: this version runs kernel threads and the page allocator only.']],
    ['machine { memory 64MiB\nsysctl vm.swappiness = 60 }\nkernel k { }', ['2:8: `sysctl vm.swappiness` is not modelled yet: this version runs kernel threads and the page allocator only.']],
    ['machine { memory 64MiB\ndisk sda { } }\nkernel k { }', ['2:1: `disk` is not modelled yet: this version has no block devices.']],
    ['machine { arch x86_64 memory 64MiB }\nkernel k { }', ['1:11: arch x86_64 is not modelled yet: this version runs i386 only.']],
  ];
  for (const [text, expected] of cases) it(text.slice(text.indexOf('\n') + 1).replaceAll('\n', ' '), () => assert.deepEqual(problems(text), expected));

  it('is told of a `def` only where something calls it', () => {
    assert.deepEqual(problems(`${machine}def f() { kfree(0) }\nkernel k { }`), []);
    assert.deepEqual(problems(`${machine}def f() { kfree(0) }\ndef g() { f() }\nkernel k { g() }`).length, 1);
  });

  it('is every call that the runtime has not', () => {
    const modelled = [...ATOMIC_CALLS.keys(), ...SLEEPING_CALLS.keys()];
    assert.deepEqual([...Object.keys(KERNEL_CALLS), ...Object.keys(BOOT_CALLS)].sort(), [...CALLS_NOT_MODELLED, ...modelled].sort());
  });
});

describe('a machine', () => {
  it('is what its block says', () => {
    const { config } = compiled(`machine { cpus 2 node 0 { zone DMA 16MiB zone NORMAL SIZE } hz 100 seed -1 sysctl vm.min_free_kbytes = 2 * 512
      sysctl vm.lowmem_reserve_ratio = [256, 256, 16] cost statement 1us reserve 8MiB .. 12MiB }
      const SIZE = 48MiB  kernel a at 1ms cpu 1 { }  kernel b after a { }`);
    assert.deepEqual(config, {
      arch: 'i386', cpus: 2, memory: 67108864, hz: 100, seed: 2 ** 53 - 1, cost: { statement: 1000 }, reserve: [{ start: 0x800000, end: 0xc00000 }],
      zones: [{ node: 0, name: 'DMA', bytes: 16777216 }, { node: 0, name: 'NORMAL', bytes: 50331648 }],
      sysctl: [['vm.min_free_kbytes', 1024], ['vm.lowmem_reserve_ratio', [256, 256, 16]]],
      tasks: [
        { name: 'a', comm: 'a', kind: 'kernel', at: 1_000_000, after: [], cpu: 1, nice: 0, uid: 0, oom_adj: 0, body: 0 },
        { name: 'b', comm: 'b', kind: 'kernel', at: 0, after: ['a'], cpu: null, nice: 0, uid: 0, oom_adj: 0, body: 1 },
      ],
    });
  });
});

describe('the compiler never throws', () => {
  const hard: [string, string][] = [
    ['a chain of 10,000 terms', `machine { memory 64MiB } kernel k { let x = ${'1 + '.repeat(10_000)}1 }`],
    ['deep brackets', `machine { memory 64MiB } kernel k { let x = ${'('.repeat(500)}1${')'.repeat(500)} }`],
    ['constants in a circle', 'machine { memory A } const A = B const B = A kernel k { print(A) }'],
    ['an empty file', ''],
    ['half a file', 'machine { memory 64MiB } kernel k { let x = alloc_pages(GFP_'],
    ['a missing import', 'import "nowhere.pagewalk" machine { memory 64MiB } kernel k { }'],
  ];
  for (const [what, text] of hard) {
    it(`at ${what}`, () => {
      const result = compileScenario(text, 'test.pagewalk');
      assert.equal(result.program, null);
      assert.ok(result.problems.length > 0);
    });
  }

  it('and compiles a thousand terms, and a thousand `else if`s', () => {
    compiled(`kernel k { let x = ${'1 + '.repeat(900)}1 if x == 0 { } ${'else if x == 1 { } '.repeat(1000)} }`);
  });
});
