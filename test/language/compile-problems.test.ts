// What the machine cannot do yet is an error at its place, and nothing makes the compiler throw.
import assert from 'node:assert/strict';
import { compileScenario } from '../../language/index.ts';
import { CALLS_NOT_MODELLED } from '../../language/compiler/not-modelled.ts';
import { ATOMIC_CALLS, SLEEPING_CALLS } from '../../language/runtime/calls.ts';
import { ATOMIC_PROCESS_CALLS, SLEEPING_PROCESS_CALLS } from '../../language/runtime/calls-process.ts';
import { BOOT_CALLS, KERNEL_CALLS, PROCESS_CALLS } from '../../language/vocabulary/calls.ts';
import { compiled } from './running.ts';

/** What this version has, as each message says. */
const ONLY = 'this version has processes, files and disks, but no swap and no reclaim.';

function problems(text: string): string[] {
  return compileScenario(text, 'test.pagewalk').problems.map((problem) => `${problem.line}:${problem.column}: ${problem.message}`);
}

describe('what is not modelled yet', () => {
  const machine = 'machine { memory 64MiB }\n';
  const cases: [string, string[]][] = [
    [`${machine}process p { let n = migrate_pages(1, [0], [1]) }`, [`2:21: \`migrate_pages\` is not modelled yet: ${ONLY}`]],
    [`${machine}process p { swapon("sda2") let p = mbind(0, 1page, MPOL_BIND, [0]) }`, [`2:13: \`swapon\` is not modelled yet: ${ONLY}`, `2:36: \`mbind\` is not modelled yet: ${ONLY}`]],
    [`${machine}kernel k { let p = shrink_all_memory(3) }`, [`2:20: \`shrink_all_memory\` is not modelled yet: ${ONLY}`]],
    [`${machine}kernel k { }\nexpect oom.kills == 0`, [`3:8: \`oom\` is not modelled yet: ${ONLY}`]],
    ['machine { memory 64MiB\nsysctl vm.swappiness = 60 }\nkernel k { }', [`2:8: \`sysctl vm.swappiness\` is not modelled yet: ${ONLY}`]],
    [`${machine}kernel k { print(sysctl("vm.swappiness")) }`, [`2:25: \`sysctl vm.swappiness\` is not modelled yet: ${ONLY}`]],
    ['machine { memory 64MiB disk sda { }\nswap sda2 16MiB on sda }\nkernel k { }', ['2:1: `swap` is not modelled yet: this version has no swap areas.']],
    ...['shrink_zone', 'out_of_memory', 'oom', 'direct_reclaim', 'vmscan:mm_vmscan_kswapd_wake', 'pageout'].map((event): [string, string[]] => [
      `${machine}kernel k { }\nstop on ${event} when zone.whatever > 3`,
      [`3:9: \`${event}\` is not modelled yet: ${ONLY}`],
    ]),
    ['machine { arch x86_64 memory 8MiB }\nkernel k { }', ['1:23: memory is too small: on x86_64 the kernel and its tables need 16 MiB.']],
  ];
  for (const [text, expected] of cases) it(text.slice(text.indexOf('\n') + 1).replaceAll('\n', ' '), () => assert.deepEqual(problems(text), expected));

  it('is told of a `def` that nobody calls, too, once', () => {
    const shrunk = '`shrink_all_memory` is not modelled yet: this version has processes, files and disks, but no swap and no reclaim.';
    assert.deepEqual(problems(`${machine}def f() { shrink_all_memory(1) }\nkernel k { }`), [`2:11: ${shrunk}`]);
    assert.deepEqual(problems(`${machine}def f() { shrink_all_memory(1) }\ndef g() { f() }\nkernel k { g() }`), [`2:11: ${shrunk}`]);
    assert.deepEqual(problems(`${machine}def f() { let a = swapon("x") }\ndef g() { fork c { f() } touch 0 .. 4KiB }`), [`2:19: ${shrunk.replace('shrink_all_memory', 'swapon')}`]);
  });

  it('is told of the `def`s of an imported file, at their place', () => {
    const files: Record<string, string> = { 'lib.pagewalk': 'const N = 1\ndef used() { }\ndef unused() { print(oom.kills) }' };
    const { problems: found } = compileScenario(`import "lib.pagewalk" ${machine}kernel k { used() }`, 'test.pagewalk', (path) => files[path]);
    assert.deepEqual(found.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`), [
      'lib.pagewalk:3:22: `oom` is not modelled yet: this version has processes, files and disks, but no swap and no reclaim.',
    ]);
  });

  it('is every call that the runtime has not', () => {
    const tables = [ATOMIC_CALLS, SLEEPING_CALLS, ATOMIC_PROCESS_CALLS, SLEEPING_PROCESS_CALLS];
    const modelled = [...tables.flatMap((calls) => [...calls.keys()]), 'load', 'store'];
    const all = [KERNEL_CALLS, BOOT_CALLS, PROCESS_CALLS].flatMap((calls) => Object.keys(calls));
    assert.deepEqual([...new Set(all)].sort(), [...new Set([...CALLS_NOT_MODELLED, ...modelled])].sort());
    assert.deepEqual(modelled.filter((name) => CALLS_NOT_MODELLED.has(name)), []);
  });
});

describe('a `def` that nobody calls', () => {
  it('has statements, after those of the code that runs, and changes nothing of that', () => {
    const files = { 'lib.pagewalk': 'def far(n) {\n  return n\n}' };
    const text = (unused: string): string => `import "lib.pagewalk"\nmachine { memory 64MiB }\nkernel k {\n  let a = near(1)\n}\ndef near(n) {\n  return n\n}\n${unused}`;
    const without = compiled(text(''), {...files, 'lib.pagewalk': ''});
    const all = compiled(text('def unused() {\n  sleep 1ms\n}'), files);
    assert.deepEqual(all.statements.slice(0, without.statements.length), without.statements);
    assert.deepEqual(all.statements.slice(without.statements.length).map(({ file, line, def }) => [all.files[file], line, def]), [['test.pagewalk', 10, 'unused'], ['lib.pagewalk', 2, 'far']]);
    assert.deepEqual(all.routines.slice(0, without.routines.length), without.routines);
  });

  it('may make what calls anybody may make together', () => {
    const machine = 'machine { memory 64MiB }\n';
    assert.deepEqual(problems(`${machine}def f() { return alloc_bootmem(4KiB) }\ndef g() { f() }\ndef h(n) { return n < 2 ? 1 : h(n - 1) }`), []);
    assert.deepEqual(problems(`${machine}def f() { let a = alloc_bootmem(4KiB) free_pages(0, 0) }`), [
      '2:39: `free_pages` cannot be called before the page allocator exists: `boot` may call alloc_bootmem, alloc_bootmem_low, free_bootmem, and the same code calls `alloc_bootmem`.',
    ]);
    assert.deepEqual(problems(`${machine}def g() { f() alloc_bootmem(4KiB) }\ndef f() { sleep 1ms }`), [
      '3:11: `sleep` cannot stand in `boot`, nor in a `def` that it calls: there are no tasks and no page tables yet.',
    ]);
    assert.deepEqual(problems(`${machine}def even(n) { kfree(0) odd(n) }\ndef odd(n) { even(n) mmap(4KiB) }`), [
      '3:22: `mmap` is a system call: only a `process` may make it, and the same code calls `kfree`.',
    ]);
  });
});

describe('a machine', () => {
  it('is what its block says', () => {
    const { config } = compiled(`machine { cpus 2 node 0 { zone DMA 16MiB zone NORMAL SIZE } hz 100 seed -1 sysctl vm.min_free_kbytes = 2 * 512
      sysctl vm.lowmem_reserve_ratio = [256, 256, 16] cost statement 1us reserve 8MiB .. 12MiB }
      const SIZE = 48MiB  kernel a at 1ms cpu 1 { }  kernel b after a { }`);
    assert.deepEqual(config, {
      arch: 'i386', cpus: 2, memory: 67108864, distances: [], hz: 100, seed: 2 ** 53 - 1, cost: { statement: 1000 }, disks: [], files: [], reserve: [{ start: 0x800000, end: 0xc00000 }],
      zones: [{ node: 0, name: 'DMA', bytes: 16777216 }, { node: 0, name: 'NORMAL', bytes: 50331648 }],
      sysctl: [['vm.min_free_kbytes', 1024], ['vm.lowmem_reserve_ratio', [256, 256, 16]]],
      tasks: [
        { name: 'a', comm: 'a', kind: 'kernel', at: 1_000_000, after: [], cpu: 1, nice: 0, uid: 0, oom_adj: 0, rlimit_as: null, rlimit_stack: null, dies: 0, body: 0 },
        { name: 'b', comm: 'b', kind: 'kernel', at: 0, after: ['a'], cpu: null, nice: 0, uid: 0, oom_adj: 0, rlimit_as: null, rlimit_stack: null, dies: 0, body: 1 },
      ],
    });
  });
});

describe('disks and files', () => {
  const disk = { name: 'sda', seek: 8_000_000, bandwidth: 60 << 20, blocks: 2 ** 22, fail_read: [], fail_write: [] };

  it('are as their settings say, a disk before or behind its files', () => {
    const { config } = compiled(`machine { memory 64MiB file "/a" SIZE on sdb disk sda { }
      disk sdb { size 1MiB seek 500us bandwidth 3MiB/s fail read 8 .. 16 fail write 0 .. 4 fail read 100..N }  file "/b \\"c\\"" 0 on sdb }
      const SIZE = 3pages + 1 const N = 200 kernel k { }`);
    assert.deepEqual(config.disks, [disk, {
      name: 'sdb', seek: 500_000, bandwidth: 3 << 20, blocks: 256, fail_read: [{ start: 8, end: 16 }, { start: 100, end: 200 }], fail_write: [{ start: 0, end: 4 }],
    }]);
    assert.deepEqual(config.files, [{ path: '/a', size: 12289, disk: 'sdb' }, { path: '/b "c"', size: 0, disk: 'sdb' }]);
  });

  it('give a disk without a size room for twice what it has to hold', () => {
    const { config } = compiled('machine { memory 64MiB disk sda { } file "/a" 16GiB on sda file "/b" 1 on sda } kernel k { }');
    assert.deepEqual(config.disks, [{ ...disk, blocks: 2 * (2 ** 22 + 1) }]);
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
