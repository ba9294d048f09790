// `pagewalk run`: what it prints, where, and its exit status (LANGUAGE.md, The command line).
import assert from 'node:assert/strict';
import type { Ran, Workplace } from './pagewalk.ts';
import { driver, workplace } from './pagewalk.ts';

/** A run of one scenario, and everything it leaves. */
interface Case extends Ran {
  name: string;
  scenario: string;
  args?: string[];
}

const CASES: Case[] = [
  {
    name: 'prints what the scenario prints, then a summary',
    scenario: driver('print("one", 2)', 'print([3, "four"])', 'expect true', 'expect now > 0ns "time goes by"'),
    status: 0, out: 'one 2\n[3, "four"]\ncase.pagewalk: passed: 2 of 2 expectations hold, N events, 3.4 us of virtual time\n', err: '',
  },
  {
    name: 'says so when nothing is expected',
    scenario: driver('sleep 2ms'),
    status: 0, out: 'case.pagewalk: passed: no expectations, N events, 2.003 ms of virtual time\n', err: '',
  },
  {
    name: 'fails when an expectation fails, in a body or at the end, and goes on',
    scenario: `${driver('expect 1 == 2 "arithmetic"', 'print("after")', 'expect true')}expect now > 1s\n`,
    status: 1, out: 'after\ncase.pagewalk: failed: 1 of 3 expectations hold, N events, 3.3 us of virtual time\n',
    err: 'case.pagewalk:3:3: expectation failed: 1 == 2 (arithmetic)\ncase.pagewalk:7:1: expectation failed: now > 1s\n',
  },
  {
    name: 'ends with a place when the scenario cannot go on',
    scenario: driver('let a = [1, 2]', 'print("before")', 'print(a[2])', 'print("never")'),
    status: 1, out: 'before\ncase.pagewalk: failed (the scenario could not go on): no expectations, N events, 3.3 us of virtual time\n',
    err: 'case.pagewalk:5:9: Index 2 is outside 0 … 1.\n',
  },
  {
    name: 'ends with a place when the scenario would use up the memory',
    scenario: driver('let s = "x"', 'repeat 40 { s = s + s }'),
    status: 1, out: 'case.pagewalk: failed (the scenario could not go on): no expectations, N events, 5.3 us of virtual time\n',
    err: 'case.pagewalk:4:19: A string of more than 1048576 characters.\n',
  },
  {
    name: 'names each wait of a deadlock',
    scenario: 'machine { memory 64MiB }\nkernel left { wait right }\nkernel right { wait left }\nkernel well { }\n',
    status: 1, out: 'case.pagewalk: failed (a deadlock): no expectations, N events, 9.2 us of virtual time\n',
    err: 'case.pagewalk:2:15: deadlock: left waits for the end of right, and nothing can end that.\n'
      + 'case.pagewalk:3:16: deadlock: right waits for the end of left, and nothing can end that.\n',
  },
  {
    name: 'fails on a kernel BUG that nobody announced',
    scenario: driver('let a = kmalloc(100)', 'kfree(a)', 'kfree(0xC0100000)'),
    status: 1, out: 'case.pagewalk: failed (a kernel BUG): no expectations, N events, 3.46 us of virtual time\n',
    err: 'case.pagewalk:5:3: kernel BUG at mm/slab.c:page_get_cache: c0100000 is in no slab\n',
  },
  {
    name: 'passes on the BUG that the scenario is about',
    scenario: `expects_bug "is in no slab"\n${driver('let p = alloc_pages(GFP_KERNEL, 1)', 'free_pages(p, 1)', 'kfree(0xC0100000)')}expect events.mm_page_free > 0\n`,
    status: 0, out: 'case.pagewalk:6:3: kernel BUG at mm/slab.c:page_get_cache: c0100000 is in no slab (as expected)\n'
      + 'case.pagewalk: passed: the BUG it is about, 1 of 1 expectations hold, N events, 3.78 us of virtual time\n',
    err: '',
  },
  {
    name: 'fails when the BUG it is about does not happen',
    scenario: `expects_bug "never"\n${driver()}`,
    status: 1, out: 'case.pagewalk: failed (the BUG it expects did not happen): no expectations, N events, 3 us of virtual time\n',
    err: 'case.pagewalk: expects_bug "never": the kernel hit no such BUG.\n',
  },
  {
    name: 'stops a runaway',
    scenario: driver('while true { }'), args: ['--limit-events', '20_000'],
    status: 1, out: 'case.pagewalk: failed (the event limit): no expectations, N events, MASKED of virtual time\n',
    err: 'case.pagewalk:3:3: stopped after 20,000 events (statements and tracepoints). Does it loop? --limit-events N lets it run longer.\n',
  },
  {
    name: 'says where a file is wrong, and does not run it',
    scenario: driver('print("never")', 'foo(1)', 'let x = y'),
    status: 2, out: '', err: 'case.pagewalk:4:3: There is no function `foo`. Declare it with `def foo(…) { … }`.\ncase.pagewalk:5:11: There is no `y` here. Declare it with `let y = …` or `const y = …`.\n',
  },
  {
    name: 'names what is not modelled yet',
    scenario: 'machine { memory 64MiB }\nprocess hog { swapon("x") }\n',
    status: 2, out: '', err: 'case.pagewalk:2:15: `swapon` is not modelled yet: this version has processes, files and disks, but no swap and no reclaim.\n',
  },
  {
    name: 'fails when a process is ended by a signal that nobody asked for, and names its statement',
    scenario: 'machine { memory 64MiB }\nprocess p {\n  print("before")\n  poke(16)\n}\ndef poke(address) {\n  store(address, 1)\n}\nexpect processes.p.signal == SIGSEGV\n',
    status: 1, out: 'before\ncase.pagewalk: failed (1 process ended by a signal): 1 of 1 expectations hold, N events, MASKED of virtual time\n',
    err: 'case.pagewalk:7:3: p (pid 1) was ended by SIGSEGV: nothing is mapped at 0x10 (SEGV_MAPERR).\n',
  },
  {
    name: 'passes when the signal is announced, or sent by kill()',
    scenario: 'machine { memory 64MiB }\nprocess p dies SIGSEGV { store(16, 1) }\nprocess q { let c = fork c { sleep 1s } kill(c, SIGKILL) wait c }\n',
    status: 0, out: 'case.pagewalk: passed: no expectations, N events, MASKED of virtual time\n', err: '',
  },
  {
    name: 'fails when the signal that is announced does not come',
    scenario: 'machine { memory 64MiB }\nprocess p dies SIGBUS { }\n',
    status: 1, out: 'case.pagewalk: failed (1 process did not die as announced): no expectations, N events, MASKED of virtual time\n',
    err: 'case.pagewalk: p (pid 1) was to be ended by SIGBUS, and exited.\n',
  },
  {
    name: 'names a deadlock of processes, too',
    scenario: 'machine { memory 64MiB }\nprocess p { fork c { wait q } wait c }\nprocess q { wait p }\n',
    status: 1, out: 'case.pagewalk: failed (a deadlock): no expectations, N events, MASKED of virtual time\n',
    err: 'case.pagewalk:2:31: deadlock: p waits for the end of c, and nothing can end that.\n'
      + 'case.pagewalk:3:13: deadlock: q waits for the end of p, and nothing can end that.\n'
      + 'case.pagewalk:2:22: deadlock: c waits for the end of q, and nothing can end that.\n',
  },
  {
    name: 'stops a runaway within one statement',
    scenario: 'machine { memory 64MiB }\nprocess p { let a = mmap(1page) while true { touch a .. a + 1page step 1 } }\n', args: ['--limit-events', '50_000'],
    status: 1, out: 'case.pagewalk: failed (the event limit): no expectations, N events, MASKED of virtual time\n',
    err: 'case.pagewalk:2:46: stopped after 50,000 events (statements and tracepoints). Does it loop? --limit-events N lets it run longer.\n',
  },
  {
    name: 'takes another seed',
    scenario: driver('print(random(1000000) == random(1000000))'), args: ['--seed', '7'],
    status: 0, out: 'false\ncase.pagewalk: passed: no expectations, N events, 3.1 us of virtual time\n', err: '',
  },
  {
    name: 'checks the laws as it runs',
    scenario: driver('for i in 0 .. 2000 { free_pages(alloc_pages(GFP_KERNEL, i % 4), i % 4) }'), args: ['--check'],
    status: 0, out: 'case.pagewalk: passed: no expectations, N events, MASKED of virtual time\n', err: '',
  },
];

describe('pagewalk run', () => {
  let place: Workplace;
  before(() => (place = workplace()));
  after(() => place.remove());

  for (const { name, scenario, args = [], ...expected } of CASES) {
    it(name, () => {
      place.write('case.pagewalk', scenario);
      const { status, out, err } = place.pagewalk('run', 'case.pagewalk', ...args);
      const masked = expected.out.includes('MASKED') ? out.replace(/events, [\d.]+ \w+ of /, 'events, MASKED of ') : out;
      assert.deepEqual({ status, out: masked, err }, expected);
    });
  }

  it('gives the same run for the same seed, another for another', () => {
    place.write('seed.pagewalk', driver('print(random(1000000))'));
    const first = (...args: string[]): string => place.pagewalk('run', 'seed.pagewalk', ...args).out.split('\n')[0]!;
    assert.equal(first('--seed', '7'), first('--seed', '7'));
    assert.equal(first(), first('--seed', '1'));
    assert.notEqual(first('--seed', '7'), first('--seed', '8'));
  });

  it('shows the kernel log in its place among what is printed', () => {
    place.write('log.pagewalk', driver('print("before")', 'alloc_pages(GFP_ATOMIC, 10)', 'while alloc_pages(GFP_ATOMIC, 10) != 0 { }', 'print("after")'));
    const lines = place.pagewalk('run', 'log.pagewalk', '--log').out.split('\n');
    const at = (text: string): number => lines.findIndex((line) => line.includes(text));
    assert.match(lines[0]!, /^\[ {4}0\.000000\] BIOS-provided physical RAM map:$/);
    assert.ok(at('before') < at('page allocation failure. order:10, mode:0x20') && at('page allocation failure') < at('after'));
  });

  it('runs from anywhere, and names files as they were given', () => {
    place.write('case.pagewalk', driver('expect false'));
    assert.equal(place.pagewalk('run', './case.pagewalk').err, './case.pagewalk:3:3: expectation failed: false\n');
  });

  it('imports from beside the scenario', () => {
    place.write('lib.pagewalk', 'const TWO = 2\ndef twice(x) { return x * TWO }\n');
    place.write('case.pagewalk', `import "lib.pagewalk"\n${driver('print(twice(21))')}`);
    assert.deepEqual(place.pagewalk('run', 'case.pagewalk').out.split('\n')[0], '42');
    place.write('case.pagewalk', `import "gone.pagewalk"\n${driver()}`);
    const { status, err } = place.pagewalk('run', 'case.pagewalk');
    assert.deepEqual({ status, err }, { status: 2, err: 'case.pagewalk:1:8: There is no file `gone.pagewalk` to import: the path is taken from the folder of this file.\n' });
  });
});
