// /proc/PID files, whole, and badness (KERNEL.md PR-3, PR-6 … PR-8, X-43, OM-1, OM-6, OM-7).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { exit_image, task_struct, vma_image } from '../../engine/include/sched.ts';
import type { Body, TestTask } from './tasks.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { VM_EXEC, VM_MAYSHARE, VM_READ, VM_WRITE } from '../../engine/include/mm_types.ts';
import { virt } from '../../engine/include/types.ts';
import { proc_meminfo } from '../../engine/fs/proc/files.ts';
import { PROC_PID_FILES, proc_oom_adj, proc_oom_score, proc_statm, proc_status } from '../../engine/fs/proc/pid.ts';
import { proc_maps, proc_pagemap, proc_smaps } from '../../engine/fs/proc/task_mmu.ts';
import { wait_for_children } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { new_task } from '../../engine/kernel/task.ts';
import { schedule_timeout } from '../../engine/kernel/sched.ts';
import { badness } from '../../engine/mm/oom_kill.ts';
import { sys_brk, sys_mmap2 } from '../../engine/mm/mmap.ts';
import { mm_of } from '../../engine/mm/mm_struct.ts';
import { load_user, store_user } from '../../engine/mm/user_memory.ts';
import { machineWith, runTasks } from './tasks.ts';

const PAGE = 4096;
const SEC = 1e9;

function user(name: string, run: Body, options: Partial<TestTask> = {}): TestTask {
  return { kind: 'user', uid: 1000, ...options, name, run };
}

/** A literal block of text: the first line and the margin are dropped. */
function text(block: string): string {
  return block.replace(/^\n/, '').replace(/^ *\|/gm, '').replace(/ *$/, '');
}

/** What maps of a real 2.6.18 said, but for the vdso (64M-vma-norandmaps, 64M-up). */
const RECORDED = [
  ['with shared memory', `
    |08048000-0804b000 r-xp 00000000 00:01 12         /init
    |0804b000-0804c000 rw-p 00002000 00:01 12         /init
    |0804c000-0808e000 rw-p 0804c000 00:00 0          [heap]
    |b7efd000-b7eff000 rw-s 00000000 00:06 831        /dev/zero (deleted)
    |b7eff000-b7fff000 rw-p b7eff000 00:00 0${' '}
    |bffeb000-c0000000 rw-p bffeb000 00:00 0          [stack]
    |`],
  ['at boot', `
    |08048000-0804b000 r-xp 00000000 00:01 12         /init
    |0804b000-0804c000 rw-p 00002000 00:01 12         /init
    |0804c000-0808e000 rw-p 0804c000 00:00 0          [heap]
    |bfa5a000-bfa6f000 rw-p bfa5a000 00:00 0          [stack]
    |`],
] as const;

/** A task that ended with the areas that such a text names. */
function taskOf(k: Kernel, maps: string): task_struct {
  const vmas = maps.trim().split('\n').map((line, i): vma_image => {
    const [, start, end, flags, offset, major, minor, ino, path] = /^(\w+)-(\w+) (\S{4}) (\w+) (\w+):(\w+) (\d+) *(.*)$/.exec(line)!;
    const number = (digits: string): number => parseInt(digits, 16);
    const bits = [VM_READ, VM_WRITE, VM_EXEC, 0].reduce((sum, bit, at) => sum | (flags![at] === '-' ? 0 : bit), flags!.endsWith('s') ? VM_MAYSHARE : 0);
    const isFile = path!.startsWith('/');
    return {
      vma: { id: i + 1, address: virt(0), vm_mm: 1, vm_start: virt(number(start!)), vm_end: virt(number(end!)), vm_page_prot: 0, vm_flags: bits,
        vm_pgoff: number(offset!) / PAGE, vm_file: isFile ? 1 : 0, anon_vma: 0, vm_private_data: 0 },
      path: isFile ? path! : '', major: number(major!), minor: number(minor!), ino: Number(ino),
      smaps: { rss: 0, shared_clean: 0, shared_dirty: 0, private_clean: 0, private_dirty: 0, swap: 0 }, present: [],
    };
  });
  const image: Omit<exit_image, 'mm'> = { vmas, badness: 0 };
  const mm = { start_brk: 0x0804c000, brk: 0x0808e000, start_stack: vmas.at(-1)!.vma.vm_end - 100 } as exit_image['mm'];
  return { ...new_task(1, 'init', 'user'), exit_image: { ...image, mm }, state: k.tasks[0]!.state };
}

describe('/proc/PID/maps', () => {
  for (const [when, recorded] of RECORDED) {
    it(`PR-6: prints areas as the recorded kernel did, ${when}`, () => {
      const { k } = machineWith([]);
      assert.equal(proc_maps(k, taskOf(k, text(recorded))), text(recorded));
    });
  }

  it('PR-6: protections, shared memory, the heap, by whoever looks', () => {
    let live = '';
    const { k } = runTasks([user('hog', function* (kernel, task) {
      for (const [prot, flags] of [[PROT_NONE, MAP_PRIVATE], [PROT_READ | PROT_EXEC, MAP_PRIVATE], [PROT_READ | PROT_WRITE, MAP_SHARED]] as const) {
        yield* sys_mmap2(kernel, 0, PAGE, prot, flags | MAP_ANONYMOUS, 0);
      }
      yield* sys_brk(kernel, mm_of(kernel, task.mm).brk + 5000);
      live = proc_maps(kernel, task);
    })]);
    assert.equal(live, text(`
      |08048000-0804c000 r-xp 00000000 00:01 1          /bin/hog
      |0804c000-0804d000 rw-p 00004000 00:01 1          /bin/hog
      |0804d000-0804f000 rw-p 0804d000 00:00 0          [heap]
      |b7ffd000-b7ffe000 rw-s 00000000 00:06 2          /dev/zero (deleted)
      |b7ffe000-b7fff000 r-xp b7ffe000 00:00 0${' '}
      |b7fff000-b8000000 ---p b7fff000 00:00 0${' '}
      |bffeb000-c0000000 rw-p bffeb000 00:00 0          [stack]
      |`));
    assert.equal(proc_maps(k, k.tasks[1]!), live);
  });

  it('X-43: on x86_64 names begin in column 73, and the gate area comes last', () => {
    const { k } = runTasks([user('hog', function* (kernel) { yield* sys_mmap2(kernel, 0, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 0); })], { arch: 'x86_64' });
    assert.equal(proc_maps(k, k.tasks[1]!), text(`
      |00400000-00404000 r-xp 00000000 00:01 1                                  /bin/hog
      |00404000-00405000 rw-p 00004000 00:01 1                                  /bin/hog
      |2aaaaaaab000-2aaaaaaac000 r--p 2aaaaaaab000 00:00 0${' '}
      |7ffffffea000-7ffffffff000 rw-p 7ffffffea000 00:00 0                      [stack]
      |ffffffffff600000-ffffffffffe00000 ---p 00000000 00:00 0                  [vdso]
      |`));
  });

  it('a kernel thread has none, nor figures', () => {
    const { k } = machineWith([{ name: 'thread', *run(kernel) { yield* schedule_timeout(kernel, 1, 'a nap'); } }]);
    const read = Object.entries(PROC_PID_FILES).map(([name, file]) => `${name}: ${file(k, k.tasks[1]!)}`);
    assert.deepEqual(read, [
      'maps: ', 'smaps: ', 'pagemap: ', 'status: Name:\tthread\nState:\tR (running)\nTgid:\t1\nPid:\t1\nPPid:\t0\nUid:\t0\t0\t0\t0\nThreads:\t1\n',
      'statm: 0 0 0 0 0 0 0\n', 'oom_score: 0\n', 'oom_adj: 0\n',
    ]);
  });
});

describe('the other files of a process', () => {
  /** A parent with 3 pages of heap, one of which its child has its own copy of. */
  function family(look: (k: Kernel, parent: task_struct) => string): string {
    let seen = '';
    runTasks([user('hog', function* (k, task) {
      const { brk } = mm_of(k, task.mm);
      yield* sys_brk(k, brk + 4 * PAGE);
      for (let i = 0; i < 3; i++) yield* store_user(k, virt(brk + i * PAGE), i);
      yield* do_fork(k, { name: 'c', comm: 'c', program: 'c' });
      yield* schedule_timeout(k, 5 * SEC, 'a nap');
      yield* load_user(k, virt(brk + 3 * PAGE));
      seen = look(k, task);
      yield* wait_for_children(k, null);
    })], {}, { *c(k, task) {
      const { start_brk } = mm_of(k, task.mm);
      yield* store_user(k, virt(start_brk), 1);
      yield* schedule_timeout(k, 10 * SEC, 'a nap');
    } });
    return seen;
  }

  it('PR-7: smaps counts pages by entries that name them, and dirt by the entry; the page of zeroes is one of many', () => {
    assert.equal(family((k, task) => proc_smaps(k, task).split(/(?=^bffeb000)/m)[0]!), text(`
      |08048000-0804c000 r-xp 00000000 00:01 1          /bin/hog
      |Size:                16 kB
      |Rss:                  0 kB
      |Shared_Clean:         0 kB
      |Shared_Dirty:         0 kB
      |Private_Clean:        0 kB
      |Private_Dirty:        0 kB
      |0804c000-0804d000 rw-p 00004000 00:01 1          /bin/hog
      |Size:                 4 kB
      |Rss:                  0 kB
      |Shared_Clean:         0 kB
      |Shared_Dirty:         0 kB
      |Private_Clean:        0 kB
      |Private_Dirty:        0 kB
      |0804d000-08051000 rw-p 0804d000 00:00 0          [heap]
      |Size:                16 kB
      |Rss:                 16 kB
      |Shared_Clean:         0 kB
      |Shared_Dirty:         8 kB
      |Private_Clean:        4 kB
      |Private_Dirty:        4 kB
      |`));
  });

  it('pagemap says which frame each page is in', () => {
    const frames = family(proc_pagemap).trim().split('\n').map((line) => line.split(' '));
    assert.deepEqual(frames.map(([address]) => address), ['0804d000', '0804e000', '0804f000', '08050000']);
    assert.equal(frames[3]![1], family((k) => String(k.zero_page)));
    assert.equal(new Set(frames.map(([, frame]) => frame)).size, 4);
  });

  it('PR-8: status and statm', () => {
    assert.equal(family(proc_status), text(`
      |Name:\thog
      |State:\tR (running)
      |Tgid:\t1
      |Pid:\t1
      |PPid:\t0
      |Uid:\t1000\t1000\t1000\t1000
      |VmPeak:\t     120 kB
      |VmSize:\t     120 kB
      |VmLck:\t       0 kB
      |VmHWM:\t      16 kB
      |VmRSS:\t      16 kB
      |VmData:\t      16 kB
      |VmStk:\t      84 kB
      |VmExe:\t      16 kB
      |VmLib:\t       0 kB
      |VmPTE:\t       4 kB
      |Threads:\t1
      |`));
    assert.equal(family(proc_statm), '30 4 1 4 0 25 0\n');
  });

  it('PR-3 F-6: meminfo counts what is promised, mapped and anonymous, and the tables; the page of zeroes is mapped', () => {
    const rows = family(proc_meminfo).split('\n').filter((row) => /^(AnonPages|Mapped|PageTables|Committed_AS):/.test(row));
    assert.deepEqual(rows, ['AnonPages:          16 kB', 'Mapped:              4 kB', 'PageTables:          8 kB', 'Committed_AS:      208 kB']);
  });

  it('OM-6: oom_score is badness, a child counts half; oom_adj as it was written', () => {
    assert.deepEqual([family(proc_oom_score), family(proc_oom_adj)], [`${30 + 16}\n`, '0\n']);
  });
});

describe('badness', () => {
  /** Points of a task with so many pages and these properties, `uptime` seconds after power on. */
  function points(pages: number, task: Partial<task_struct>, uptime = 0, hz = 250): number {
    const { k } = machineWith([], { hz });
    k.mm_structs.push({ total_vm: pages } as (typeof k.mm_structs)[number] & object);
    const made: task_struct = { ...new_task(1, 'a', 'user'), mm: 1, uid: 1000, euid: 1000, start_time: 0, ...task };
    k.tasks.push(made);
    k.now = uptime * SEC;
    return badness(k, made);
  }

  it('OM-7: the worked examples', () => {
    assert.equal(points(20000, { uid: 0, euid: 0 }), 1250);
    assert.equal(points(20000, { uid: 0 }), 5000);
    assert.equal(points(20000, { utime: 600 * SEC }, 3 * 3600), 2500);
  });

  it('OM-1: the recorded kernel\'s points of root\'s tasks', () => {
    assert.deepEqual([3198, 5246, 2174, 16510].map((pages) => points(pages, { uid: 0, euid: 0 })), [199, 327, 135, 1031]);
  });

  it('OM-1: nice doubles, root is a quarter and a quarter again, oom_adj shifts either way, on i386 within 32 bits', () => {
    assert.deepEqual([1, -5].map((nice) => points(100, { nice })), [200, 100]);
    assert.deepEqual([3, -3, -17].map((oomkilladj) => points(100, { oomkilladj })), [800, 12, 0]);
    assert.equal(points(200_000, { oomkilladj: 15 }), (200_000 * 2 ** 15) % 2 ** 32);
  });

  it('OM-1: CPU time counts in units of about 8 s whatever HZ is, its root divides; run time by the fourth root', () => {
    assert.deepEqual([100, 250, 1000].map((hz) => points(1000, { utime: 400 * SEC }, 0, hz)), [166, 166, 166]);
    assert.deepEqual([15, 16, 80, 81].map((kiloseconds) => points(1000, {}, kiloseconds * 1024)), [1000, 500, 500, 333]);
  });

  it('OM-1: 0 without memory', () => {
    assert.equal(points(100, { mm: 0 }), 0);
  });
});
