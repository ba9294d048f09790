// What `pagewalk run` adds on request: --json, --proc, --trace.
import assert from 'node:assert/strict';
import type { Workplace } from './pagewalk.ts';
import { driver, workplace } from './pagewalk.ts';

/** One page taken and given back, a line printed, an expectation that holds and one that does not. */
const SMALL = `${driver('let p = alloc_pages(GFP_KERNEL, 3)', 'print("order", 3)', 'free_pages(p, 3)', 'expect p != 0 "a block"')}expect false\n`;

interface JsonReport {
  ok: boolean;
  reason: string;
  end: object;
  expectations: object[];
  errors: string[];
  output: string[];
  vmstat: Record<string, number>;
  meminfo: Record<string, number>;
  zones: { name: string; present_pages: number; free_area: { nr_free: number }[]; pcp: { hot: { high: number } }[] }[];
  processes: object[];
  oom: object;
  events: Record<string, number>;
  proc?: Record<string, string>;
  log?: { time: number; text: string }[];
  virtual_ns: number;
  wall_ns: number;
}

describe('pagewalk run --json', () => {
  let place: Workplace;
  before(() => (place = workplace()));
  after(() => place.remove());

  const report = (...args: string[]): JsonReport => JSON.parse(place.pagewalk('run', 'small.pagewalk', '--json', ...args).out) as JsonReport;

  it('prints one object and nothing else', () => {
    place.write('small.pagewalk', SMALL);
    const { status, err } = place.pagewalk('run', 'small.pagewalk', '--json');
    assert.deepEqual({ status, err }, { status: 1, err: '' });
    assert.deepEqual(Object.keys(report()), [
      'ok', 'reason', 'end', 'expectations', 'errors', 'output', 'vmstat', 'meminfo', 'zones', 'processes', 'oom', 'events', 'virtual_ns', 'wall_ns',
    ]);
  });

  it('says how it went', () => {
    place.write('small.pagewalk', SMALL);
    const { ok, reason, end, expectations, errors, output, oom, processes, virtual_ns } = report();
    assert.deepEqual({ ok, reason, end, expectations, errors, output, oom }, {
      ok: false,
      reason: '1 of 2 expectations failed',
      end: { reason: 'ended', message: '', waiting: [] },
      expectations: [
        { file: 'small.pagewalk', line: 6, column: 3, text: 'p != 0', message: 'a block', ok: true, task: 'driver', time_ns: virtual_ns },
        { file: 'small.pagewalk', line: 8, column: 1, text: 'false', message: null, ok: false, task: '', time_ns: virtual_ns },
      ],
      errors: [],
      output: ['order 3'],
      oom: { kills: 0, victims: [] },
    });
    assert.deepEqual(processes, [{ name: 'driver', comm: 'driver', pid: 1, kind: 'kernel', state: 'Z', cpu: 0, exit_code: 0, start_ns: 0, cpu_ns: virtual_ns }]);
  });

  it('holds the machine as it is at the end', () => {
    place.write('small.pagewalk', SMALL);
    const { zones, vmstat, meminfo, events } = report();
    assert.deepEqual(zones.map(({ name, present_pages }) => [name, present_pages]), [['DMA', 4096], ['Normal', 12288]]);
    assert.equal(zones[1]!.free_area.length, 11);
    assert.equal(zones[1]!.pcp[0]!.hot.high, 18);
    assert.ok(vmstat['pgalloc_normal']! >= 8 && meminfo['MemTotal']! > 60_000);
    assert.equal(events['mm_page_alloc'], 1);
  });

  it('holds the /proc files and the kernel log that are asked for', () => {
    place.write('small.pagewalk', SMALL);
    const { proc, log } = report('--proc', 'buddyinfo', '--proc', 'vmstat', '--log');
    assert.deepEqual(Object.keys(proc!), ['buddyinfo', 'vmstat']);
    assert.match(proc!['buddyinfo']!, /^Node 0, zone {6}DMA( +\d+){11} \nNode 0, zone {3}Normal( +\d+){11} \n$/);
    assert.deepEqual(log![0], { time: 0, text: 'BIOS-provided physical RAM map:' });
  });

  it('has a row for each task, and of processes what they have of memory', () => {
    place.write('small.pagewalk', 'machine { memory 64MiB }\nprocess p uid 5 nice 3 dies SIGSEGV { let a = mmap(2pages) store(a, 1) fork c { load(a + 1page) } wait c store(4, 1) }\n');
    const rows = report().processes as { start_ns: number; cpu_ns: number; badness: number }[];
    assert.deepEqual(rows.map(({ start_ns: _start, cpu_ns: _cpu, badness: _badness, ...rest }) => rest), [
      {
        name: 'p', comm: 'p', pid: 1, kind: 'user', state: 'Z', cpu: 0, exit_code: 11, parent: 0, uid: 5, nice: 3, oom_adj: 0, signal: 11, si_code: 1, si_addr: '0x4', min_flt: 1,
        maj_flt: 0, total_vm: 28, rss: 1, anon_rss: 1, file_rss: 0, nr_ptes: 1, map_count: 4, locked_vm: 0,
      },
      {
        name: 'c', comm: 'c', pid: 4, kind: 'user', state: 'Z', cpu: 0, exit_code: 0, parent: 1, uid: 5, nice: 3, oom_adj: 0, signal: 0, si_code: 0, si_addr: '0x0', min_flt: 1,
        maj_flt: 0, total_vm: 28, rss: 2, anon_rss: 1, file_rss: 1, nr_ptes: 1, map_count: 4, locked_vm: 0,
      },
    ]);
  });

  it('tells a deadlock', () => {
    place.write('small.pagewalk', 'machine { memory 64MiB }\nkernel left { wait right }\nkernel right { wait left }\n');
    const { end, errors } = report();
    assert.deepEqual(end, {
      reason: 'deadlock', message: '', waiting: [{ name: 'left', waits_for: 'the end of right' }, { name: 'right', waits_for: 'the end of left' }],
    });
    assert.equal(errors.length, 2);
  });
});

describe('pagewalk run --proc', () => {
  let place: Workplace;
  before(() => {
    place = workplace();
    place.write('small.pagewalk', driver('print("hello")'));
  });
  after(() => place.remove());

  it('prints each file under its path, between the output and the summary', () => {
    const { status, out } = place.pagewalk('run', 'small.pagewalk', '--proc', 'buddyinfo', '--proc', 'meminfo');
    assert.equal(status, 0);
    const shape = out.split('\n').map((line) => line.replace(/^Node 0, zone +(\w+)( +\d+){11} $/, 'row of $1').replace(/^(\w+): +\d+ kB$/, '$1'));
    assert.deepEqual(shape, [
      'hello', '==> /proc/buddyinfo <==', 'row of DMA', 'row of Normal', '==> /proc/meminfo <==',
      'MemTotal', 'MemFree', 'Buffers', 'Cached', 'SwapCached', 'Active', 'Inactive', 'HighTotal', 'HighFree', 'LowTotal', 'LowFree', 'SwapTotal', 'SwapFree',
      'Dirty', 'Writeback', 'AnonPages', 'Mapped', 'Slab', 'PageTables', 'NFS_Unstable', 'Bounce', 'CommitLimit', 'Committed_AS', 'VmallocTotal', 'VmallocUsed',
      'VmallocChunk', 'small.pagewalk: passed: no expectations, N events, 3.1 us of virtual time', '',
    ]);
  });

  it('prints the caches, the areas of vmalloc space as a later kernel does, and what belongs to a node', () => {
    place.write('areas.pagewalk', driver('vmalloc(8KiB)', 'kmem_cache_create("mine", 100)'));
    const { status, out } = place.pagewalk('run', 'areas.pagewalk', '--proc', 'slabinfo', '--proc', 'vmallocinfo', '--proc', 'node0/distance');
    assert.equal(status, 0);
    const lines = out.split('\n');
    assert.deepEqual([lines[0], lines[1], lines[3]], [
      '==> /proc/slabinfo <==', 'slabinfo - version: 2.1', 'mine                   0      0    100   39    1 : tunables  120   60    0 : slabdata      0      0      0',
    ]);
    assert.deepEqual(lines.slice(-6, -2), [
      '# 2.6.18 has no /proc/vmallocinfo: this is the form of 2.6.28 and later', '0xc4800000-0xc4803000   12288 pages=2 vmalloc',
      '==> /sys/devices/system/node/node0/distance <==', '10',
    ]);
  });

  it('refuses what is not there, by name and before anything runs', () => {
    const refusal = (name: string): string => {
      const { status, out, err } = place.pagewalk('run', 'small.pagewalk', '--proc', name);
      assert.deepEqual({ status, out }, { status: 2, out: '' });
      return err;
    };
    const ofProcesses = ['maps', 'smaps', 'pagemap', 'status', 'statm', 'oom_score', 'oom_adj'].map((file) => `NAME/${file}`).join(', ');
    const ofNodes = ['numastat', 'meminfo', 'distance', 'cpumap'].map((file) => `nodeN/${file}`).join(', ');
    const have = `This version has buddyinfo, zoneinfo, meminfo, vmstat, slabinfo, vmallocinfo, ${ofProcesses}, ${ofNodes}, where NAME is that of a process.\n`;
    assert.equal(refusal('buddy'), `pagewalk: --proc buddy: there is no such /proc file. ${have}`);
    assert.equal(refusal('swaps'), `pagewalk: --proc swaps: /proc/swaps is not modelled yet. ${have}`);
    assert.equal(refusal('node0/vmstat'), `pagewalk: --proc node0/vmstat: there is no such /proc file. ${have}`);
    assert.equal(refusal('node1/numastat'), 'pagewalk: --proc node1/numastat: this machine has node 0 only.\n');
    assert.equal(refusal('hog/mapz'), `pagewalk: --proc hog/mapz: there is no such /proc file. ${have}`);
    assert.equal(refusal('hog/maps'), 'pagewalk: --proc hog/maps: the scenario has no process hog. It has none at all.\n');
    assert.equal(refusal('driver/maps'), 'pagewalk: --proc driver/maps: the scenario has no process driver. It has none at all.\n');
  });

  it('prints the files of a process, as it is or as it was when it ended', () => {
    place.write('processes.pagewalk', [
      'machine { memory 64MiB }',
      'process p times 2 uid 0 oom_adj 3 { let a = mmap(3pages) touch a .. a + 2pages write if current.name == "p.1" { fork c { store(a, 1) } wait c } }',
      'process q { if false { fork never { } } }', '',
    ].join('\n'));
    const names = ['p.0/maps', 'p.1/smaps', 'c/statm', 'p.0/oom_adj', 'never/maps'];
    const { status, out } = place.pagewalk('run', 'processes.pagewalk', ...names.flatMap((name) => ['--proc', name]));
    assert.equal(status, 0);
    const files = out.split(/^==> (.*) <==\n/m);
    assert.equal(files[2], [
      '08048000-0804c000 r-xp 00000000 00:01 1          /bin/p', '0804c000-0804d000 rw-p 00004000 00:01 1          /bin/p', 'b7ffd000-b8000000 rw-p b7ffd000 00:00 0 ',
      'bffeb000-c0000000 rw-p bffeb000 00:00 0          [stack]', '',
    ].join('\n'));
    assert.match(files[4]!, /b7ffd000-b8000000 rw-p b7ffd000 00:00 0 \nSize: {16}12 kB\nRss: {18}8 kB\nShared_Clean: {9}0 kB\nShared_Dirty: {9}0 kB\nPrivate_Clean: {8}0 kB\nPrivate_Dirty: {8}8 kB\n/);
    assert.deepEqual([files[1], files[3], files[5], files[6], files[8]], ['/proc/p.0/maps', '/proc/p.1/smaps', '/proc/c/statm', '29 2 0 4 0 24 0\n', '3\n']);
    assert.match(files[10]!, /^\(no process never was forked\)\n/);
    const wrong = place.pagewalk('run', 'processes.pagewalk', '--proc', 'p/maps');
    assert.deepEqual([wrong.status, wrong.err], [2, 'pagewalk: --proc p/maps: the scenario has no process p. It has p.0, p.1, q, c, never.\n']);
  });
});

describe('pagewalk run --trace', () => {
  let place: Workplace;
  before(() => {
    place = workplace();
    place.write('small.pagewalk', driver('let p = alloc_pages(GFP_ATOMIC, 9)', 'free_pages(p, 9)'));
  });
  after(() => place.remove());

  const trace = (...args: string[]): string => {
    assert.equal(place.pagewalk('run', 'small.pagewalk', '--trace', 'out', '--events', 'kmem:*', ...args).status, 0);
    return place.read('out');
  };

  it('writes ftrace\'s own lines', () => {
    const lines = trace().split('\n');
    assert.ok(lines.filter((line) => line.startsWith('#')).length === 6 && lines[0] === '# tracer: nop');
    const pfn = Number(/pfn=(\d+)/.exec(lines[6]!)![1]);
    const page = pfn.toString(16).padStart(8, '0');
    assert.deepEqual(lines.slice(6), [
      `          driver-1       [000] ....     0.000003: mm_page_alloc_zone_locked: page=${page} pfn=${pfn} order=9 migratetype=-1 percpu_refill=0`,
      `          driver-1       [000] ....     0.000003: mm_page_alloc: page=${page} pfn=${pfn} order=9 migratetype=-1 gfp_flags=GFP_ATOMIC`,
      `          driver-1       [000] ....     0.000003: mm_page_free: page=${page} pfn=${pfn} order=9`,
      '',
    ]);
  });

  it('writes JSON: an array with one event a line', () => {
    const text = trace('--format', 'json');
    const events = JSON.parse(text) as { time_ns: number; args: Record<string, number> }[];
    assert.equal(text.split('\n').length, events.length + 3);
    const { time_ns, args } = events[1]!;
    assert.deepEqual(events[1], {
      time_ns, cpu: 0, pid: 1, task: 'driver', event: 'kmem:mm_page_alloc', args: { page: args['page'], pfn: args['page'], order: 9, migratetype: -1, gfp_flags: 0x20 },
    });
  });

  it('writes what Perfetto opens', () => {
    const { traceEvents } = JSON.parse(trace('--format', 'perfetto')) as { traceEvents: { ph: string; name: string; tid: number; args: object }[] };
    assert.deepEqual(traceEvents.map(({ ph, name, tid }) => `${ph} ${name} ${tid}`), [
      'M thread_name 0', 'i mm_page_alloc_zone_locked 1', 'i mm_page_alloc 1', 'i mm_page_free 1', 'M thread_name 1', 'M thread_name 2', 'M thread_name 3',
    ]);
    assert.deepEqual(traceEvents[4]!.args, { name: 'driver-1' });
  });

  it('writes all of a long statement, with fields as people read them', () => {
    place.write('touch.pagewalk', 'machine { memory 64MiB }\nprocess p { let a = mmap(20MiB) touch a .. a + 20MiB write fork c { store(a, 1) } wait c }\n');
    const { status } = place.pagewalk('run', 'touch.pagewalk', '--trace', 'trace.txt', '--events', 'pagewalk:*');
    assert.equal(status, 0);
    const text = place.read('trace.txt');
    assert.equal(text.match(/ mm_fault_end: /g)!.length, 5120 + 1);
    assert.match(text, / mm_fault_end: address=0xb6c00000 result=MINOR kind=anon pfn=\d+ ns=\d+\n/);
    assert.match(text, / {15}c-4 .* pte_set: mm=2 address=0xb6c00000 old=0x[0-9a-f]+ pte=0x[0-9a-f]+067 why=fault\n/);
    assert.ok(!text.includes('LOST'));
  });

  it('writes a whole JSON document when nothing happened', () => {
    assert.deepEqual(JSON.parse(trace('--format', 'json', '--events', 'mm_page_pcpu_drain')), []);
  });

  it('records what the boot block does, at time 0', () => {
    place.write('boot.pagewalk', `${driver()}boot { alloc_bootmem(64KiB) }\n`);
    assert.equal(place.pagewalk('run', 'boot.pagewalk', '--trace', 'out', '--format', 'json', '--events', 'bootmem_alloc').status, 0);
    const events = JSON.parse(place.read('out')) as { time_ns: number; event: string; args: { size: number } }[];
    const last = events.find(({ args }) => args.size === 65536);
    assert.deepEqual({ time: last?.time_ns, event: last?.event }, { time: 0, event: 'pagewalk:bootmem_alloc' });
  });

  it('writes a whole document of a boot that ended in a BUG', () => {
    place.write('boot.pagewalk', `${driver()}boot { alloc_bootmem(1GiB) }\n`);
    assert.equal(place.pagewalk('run', 'boot.pagewalk', '--trace', 'out', '--format', 'json').status, 1);
    assert.ok((JSON.parse(place.read('out')) as object[]).length > 0);
  });

  it('loses nothing in a long run, and changes nothing in it', () => {
    place.write('small.pagewalk', driver('for i in 0 .. 20000 { free_pages(alloc_pages(GFP_KERNEL, i % 3), i % 3) }'));
    const plain = place.pagewalk('run', 'small.pagewalk').out;
    const traced = place.pagewalk('run', 'small.pagewalk', '--trace', 'out', '--events', '*page_alloc').out;
    assert.equal(traced, plain);
    assert.equal(place.read('out').split('\n').filter((line) => line.includes(' mm_page_alloc: ')).length, 20_000);
  });

  it('refuses what cannot be', () => {
    const refusal = (...args: string[]): string => {
      const { status, err } = place.pagewalk('run', 'small.pagewalk', ...args);
      assert.equal(status, 2);
      return err;
    };
    assert.equal(refusal('--trace', 'out', '--format', 'xml'), 'pagewalk: --format xml: a trace is written as ftrace, json, perfetto.\n');
    assert.match(refusal('--trace', 'out', '--events', 'page.*'), /^pagewalk: --events page\.\*: no event matches\. There are kmem:mm_page_alloc, /);
    assert.equal(refusal('--trace', 'no/such/folder'), 'pagewalk: --trace no/such/folder: the file cannot be written (ENOENT).\n');
    assert.equal(refusal('--format', 'json'), 'pagewalk: --format says how a trace is written: --trace OUT says where to.\n');
  });
});
