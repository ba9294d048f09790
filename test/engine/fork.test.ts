// fork and the start of a process: what is copied, what begins anew, what fails and leaves nothing (KERNEL.md F-11, CC-11; LANGUAGE.md, processes).

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Machine } from '../../engine/machine.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import type { kmem_cache } from '../../engine/include/slab.ts';
import type { Body, Forks, TestTask } from './tasks.ts';
import { EAGAIN, EINTR, ENOMEM } from '../../engine/include/errno.ts';
import { MADV_DONTFORK, MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { VM_LOCKED } from '../../engine/include/mm_types.ts';
import { SIGTERM, SI_USER } from '../../engine/include/signal.ts';
import { virt } from '../../engine/include/types.ts';
import { proc_maps, shown_images } from '../../engine/fs/proc/task_mmu.ts';
import { sys_exit, wait_for_children } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { charge, cond_resched, schedule_timeout } from '../../engine/kernel/sched.ts';
import { send_sig_info } from '../../engine/kernel/signal.ts';
import { run_machine } from '../../engine/machine.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import { sys_mlock } from '../../engine/mm/mlock.ts';
import { sys_mmap2 } from '../../engine/mm/mmap.ts';
import { vm_committed_exactly } from '../../engine/mm/mmap_commit.ts';
import { mm_of, mm_vmas } from '../../engine/mm/mm_struct.ts';
import { load_user, store_user } from '../../engine/mm/user_memory.ts';
import { cache_chain } from '../../engine/mm/slab_lists.ts';
import { slabinfo_row } from '../../engine/fs/proc/slabinfo.ts';
import { machineWith, runTasks, tasksOf } from './tasks.ts';
import { MiB } from './notation.ts';

const KiB = 1024;
const MS = 1_000_000;
const RW = PROT_READ | PROT_WRITE;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS;
const OBJECTS = ['pid', 'task_struct', 'size-8192', 'files_cache', 'fs_cache', 'sighand_cache', 'signal_cache', 'mm_struct', 'pgd', 'vm_area_struct'];

/** A process of uid 1000. */
function user(name: string, run: Body, options: Partial<TestTask> = {}): TestTask {
  return { kind: 'user', uid: 1000, ...options, name, run };
}

/** Runs tasks to a good end, and checks every law at every switch. */
function lawful(tasks: readonly TestTask[], forks: Forks = {}, config: Parameters<typeof machineWith>[1] = {}): Machine {
  const machine = machineWith(tasks, config, forks);
  machine.hooks = { boundary: ({ k }) => assert.deepEqual(check_machine(k), []) };
  assert.deepEqual(run_machine(machine), { reason: 'ended', message: '', waiting: [] });
  return machine;
}

/** Objects in use of the caches that tasks are made of. */
function objectsOf(k: Kernel): Record<string, number> {
  const inArrays = ({ array }: kmem_cache): number => array.reduce((sum, cpu) => sum + (cpu?.avail ?? 0), 0);
  const caches = cache_chain(k).filter(({ name }) => OBJECTS.includes(name));
  return Object.fromEntries(caches.map((cache) => [cache.name, slabinfo_row(k, cache).active_objs - inArrays(cache)]));
}

function* mapped(k: Kernel, length: number, flags = ANON): Generator<0 | 1, number, void> {
  const address = yield* sys_mmap2(k, 0, length, RW, flags, 0);
  assert.ok(address > 0, `mmap gives ${address}`);
  return address;
}

/** Present pages of a task by address, as address=frame. */
function pagesOf(k: Kernel, task: task_struct): string[] {
  const runs = shown_images(k, task).flatMap(({ present }) => present);
  return runs.flatMap(({ address, pfns }) => pfns.map((page, i) => `${(address + i * 4096).toString(16)}=${page}`));
}

describe('the start of a process', () => {
  const start = (arch: 'i386' | 'x86_64'): { k: Kernel; maps: string; objects: Record<string, number>; now: string } => {
    let seen = { maps: '', objects: {}, now: '' };
    const { k } = lawful([user('hog', function* (kernel, task) {
      const mm = mm_of(kernel, task.mm);
      const { file_rss, anon_rss, nr_ptes, total_vm, stack_vm, exec_vm, shared_vm, map_count } = mm;
      const sizes = [file_rss, anon_rss, nr_ptes, total_vm, stack_vm, exec_vm, shared_vm, map_count, kernel.vm_committed_space];
      seen = { maps: proc_maps(kernel, task), objects: objectsOf(kernel), now: sizes.join(' ') };
      yield* cond_resched(kernel);
    })], {}, { arch });
    return { k, ...seen };
  };

  it('MM-2: text, data, a heap to come and a stack of 21 pages, nothing of it resident, not even page tables', () => {
    const { maps, now } = start('i386');
    assert.equal(maps, [
      '08048000-0804c000 r-xp 00000000 00:01 1          /bin/hog', '0804c000-0804d000 rw-p 00004000 00:01 1          /bin/hog',
      'bffeb000-c0000000 rw-p bffeb000 00:00 0          [stack]', '',
    ].join('\n'));
    assert.equal(now, '0 0 0 26 21 4 5 3 22');
  });

  it('X-1 X-36: on x86_64 text at 400000, and the stack below the guard page of user space', () => {
    const { maps, now } = start('x86_64');
    assert.deepEqual(maps.split('\n').slice(0, 3), [
      '00400000-00404000 r-xp 00000000 00:01 1                                  /bin/hog',
      '00404000-00405000 rw-p 00004000 00:01 1                                  /bin/hog',
      '7ffffffea000-7ffffffff000 rw-p 7ffffffea000 00:00 0                      [stack]',
    ]);
    assert.equal(now, '0 0 0 26 21 4 5 3 22');
  });

  it('takes an object of each kind, and gives all of them back in the end', () => {
    const { k, objects } = start('i386');
    const before = objectsOf(machineWith([]).k);
    const taken = Object.fromEntries(Object.entries(objects).map(([name, count]) => [name, count - before[name]!]));
    assert.deepEqual(taken, {
      'pid': 1, 'task_struct': 1, 'size-8192': 1, 'files_cache': 1, 'fs_cache': 1, 'sighand_cache': 1, 'signal_cache': 1, 'mm_struct': 1, 'pgd': 1,
      'vm_area_struct': 3,
    });
    assert.deepEqual(objectsOf(k), before);
    assert.equal(k.vm_committed_space, 0);
  });

  it('copies run one file: it has one inode', () => {
    const nap: Body = function* (k) { yield* schedule_timeout(k, MS, 'a nap'); };
    const { k } = lawful([user('hog.0', nap), user('hog.1', nap), user('other', nap)]);
    assert.deepEqual(k.inodes.map((inode) => inode?.path ?? null), [null, '/bin/hog', '/bin/other']);
  });

  it('a limit that not even the program fits in kills it before its first step, and leaves nothing', () => {
    const { k } = lawful([user('big', function* (kernel) { yield* cond_resched(kernel); assert.fail('it ran'); }, { rlimit_as: 25 * 4 * KiB })]);
    assert.deepEqual([k.tasks[1]!.signal, k.log.lines.at(-1)!.text], [9, 'pagewalk: big cannot start: no memory']);
    assert.deepEqual(objectsOf(k), objectsOf(machineWith([]).k));
  });

  it('MM-1 MM-2: the limit of the stack moves mmap_base; with randomize_va_space stack and mappings move, by the seed', () => {
    const places = (seed: number, random: 0 | 1, stack: number): string => {
      let place = '';
      lawful([user('a', function* (k, task) {
        const mm = mm_of(k, task.mm);
        place = `${mm.mmap_base.toString(16)} ${mm_vmas(k, mm).at(-1)!.vm_end.toString(16)} ${task.esp.toString(16)}`;
        yield* cond_resched(k);
      }, { rlimit_stack: stack })], {}, { seed, sysctl: [['kernel.randomize_va_space', random]] });
      return place;
    };
    assert.equal(places(1, 0, 8 * MiB), 'b8000000 c0000000 bffff000');
    assert.equal(places(1, 0, 256 * MiB), 'b0000000 c0000000 bffff000');
    assert.equal(places(7, 1, 8 * MiB), places(7, 1, 8 * MiB));
    const [one, other] = [places(7, 1, 8 * MiB).split(' '), places(8, 1, 8 * MiB).split(' ')];
    for (const [i, least] of [0xb8000000 - MiB, 0xc0000000 - 8 * MiB].entries()) {
      assert.notEqual(one[i], other[i]);
      assert.ok(parseInt(one[i]!, 16) >= least && parseInt(one[i]!, 16) % 4096 === 0);
    }
    assert.ok(parseInt(one[2]!, 16) % 16 === 0);
  });
});

describe('fork', () => {
  it('F-11: private memory is shared read-only until one side writes; shared memory stays shared', () => {
    const heard: string[] = [];
    const areas = { priv: 0, shared: 0 };
    const say = (who: string, ...bytes: number[]): void => { heard.push(`${who} ${bytes.join(' ')}`); };
    lawful([user('a', function* (k) {
      areas.priv = yield* mapped(k, 16 * KiB);
      areas.shared = yield* mapped(k, 16 * KiB, MAP_SHARED | MAP_ANONYMOUS);
      yield* store_user(k, virt(areas.priv), 1);
      yield* store_user(k, virt(areas.shared), 2);
      const pid = yield* do_fork(k, { name: 'c', comm: 'c', program: 'c' });
      assert.equal(pid, tasksOf(k)[2]!.pid);
      assert.deepEqual(pagesOf(k, k.tasks[1]!).slice(-1), pagesOf(k, tasksOf(k)[2]!).slice(-1));
      yield* wait_for_children(k, ['c']);
      const [mine, ours] = [yield* load_user(k, virt(areas.priv)), yield* load_user(k, virt(areas.shared))];
      say('a', mine, ours);
    })], { *c(k) {
      const mine = yield* load_user(k, virt(areas.priv));
      const ours = yield* load_user(k, virt(areas.shared));
      say('c', mine, ours);
      yield* store_user(k, virt(areas.priv), 11);
      yield* store_user(k, virt(areas.shared), 12);
    } });
    assert.deepEqual(heard, ['c 1 2', 'a 1 12']);
  });

  it('F-11: what has no page of its own is not copied: the child faults it in again', () => {
    lawful([user('a', function* (k, task) {
      const untouched = yield* mapped(k, 8 * KiB);
      yield* load_user(k, virt(untouched));
      yield* load_user(k, virt(0x08048000));
      const mm = mm_of(k, task.mm);
      assert.ok(mm.file_rss >= 2 && mm.anon_rss === 0 && mm.nr_ptes === 2);
      yield* do_fork(k, { name: 'c', comm: 'c', program: 'c' });
      const child = mm_of(k, tasksOf(k)[2]!.mm);
      assert.deepEqual([child.file_rss, child.anon_rss, child.nr_ptes, child.total_vm, child.map_count], [0, 0, 0, mm.total_vm, mm.map_count]);
      assert.equal(proc_maps(k, tasksOf(k)[2]!), proc_maps(k, task));
    })], { *c(k) { yield* cond_resched(k); } });
  });

  it('F-11: locks are not inherited, what MADV_DONTFORK names is left out, also in the sizes', () => {
    lawful([user('a', function* (k, task) {
      const own = yield* mapped(k, 8 * KiB);
      const locked = yield* mapped(k, 4 * KiB, MAP_SHARED | MAP_ANONYMOUS);
      assert.equal(yield* sys_madvise(k, virt(own), 8 * KiB, MADV_DONTFORK), 0);
      assert.equal(yield* sys_mlock(k, virt(locked), 4 * KiB), 0);
      yield* do_fork(k, { name: 'c', comm: 'c', program: 'c' });
      const [mm, child] = [mm_of(k, task.mm), mm_of(k, tasksOf(k)[2]!.mm)];
      assert.deepEqual([mm.locked_vm, child.locked_vm, mm.total_vm - child.total_vm, mm.map_count - child.map_count], [1, 0, 2, 1]);
      assert.deepEqual(mm_vmas(k, child).filter(({ vm_flags }) => (vm_flags & VM_LOCKED) !== 0), []);
    })], { *c(k) { yield* cond_resched(k); } });
  });

  it('the child is who its parent is, and begins with nothing used', () => {
    const { k } = lawful([user('a', function* (kernel, task) {
      task.esp = virt(0xbfff0000);
      charge(kernel, 5 * MS);
      yield* store_user(kernel, virt(0xbfff0000), 1);
      yield* do_fork(kernel, { name: 'a-child', comm: 'a-child-with-a-long-name', program: 'c' });
      yield* wait_for_children(kernel, null);
    }, { nice: 5, uid: 33, oom_adj: 7, cpu: 1, rlimit_as: 64 * MiB, dies: 0 })], { *c(kernel, task) {
      const { comm, uid, euid, nice, oomkilladj, cpu, cpu_pinned, esp, parent, min_flt, rlim } = task;
      assert.deepEqual({ comm, uid, euid, nice, oomkilladj, cpu, cpu_pinned, esp, parent, min_flt }, {
        comm: 'a-child-with-a-', uid: 33, euid: 33, nice: 5, oomkilladj: 7, cpu: 1, cpu_pinned: 1, esp: 0xbfff0000, parent: 1, min_flt: 0,
      });
      assert.equal(rlim.RLIMIT_AS, 64 * MiB);
      yield* store_user(kernel, virt(0xbfff0000), 2);
      sys_exit(kernel, 4);
    } }, { cpus: 2 });
    const [parent, child] = [k.tasks[1]!, tasksOf(k)[2]!];
    assert.ok(child.start_time > 5 * MS && child.utime < 5 * MS && parent.utime > 5 * MS);
    assert.deepEqual([child.exit_code, child.min_flt, child.name], [4, 1, 'a-child']);
  });

  it('goes to an idle CPU, or stays where its parent is', () => {
    const cpuOfChild = (cpus: number): number => {
      const machine = lawful([user('a', function* (k) { yield* do_fork(k, { name: 'c', comm: 'c', program: 'c' }); charge(k, 20 * MS); yield* cond_resched(k); })],
        { *c(k) { charge(k, MS); yield* cond_resched(k); } }, { cpus });
      return tasksOf(machine.k)[2]!.cpu;
    };
    assert.deepEqual([cpuOfChild(1), cpuOfChild(2)], [0, 1]);
  });

  it('a child that cannot be promised its memory, or a parent that is about to die, leaves nothing behind', () => {
    const before = objectsOf(machineWith([]).k);
    const { k } = lawful([user('a', function* (kernel, task) {
      const heap = yield* mapped(kernel, 18 * MiB);
      for (let i = 0; i < 100; i++) yield* store_user(kernel, virt(heap + i * 4096), 1);
      const held = [kernel.vm_committed_space, objectsOf(kernel)];
      assert.equal(yield* do_fork(kernel, { name: 'c', comm: 'c', program: 'c' }), -ENOMEM);
      assert.deepEqual([kernel.vm_committed_space, objectsOf(kernel)], held);
      kernel.sysctl.overcommit_memory = 0;
      send_sig_info(kernel, { signo: SIGTERM, code: SI_USER, addr: virt(0) }, task);
      assert.equal(yield* do_fork(kernel, { name: 'c', comm: 'c', program: 'c' }), -EINTR);
      assert.deepEqual([kernel.vm_committed_space, objectsOf(kernel)], held);
    })], {}, { sysctl: [['vm.overcommit_memory', 2]] });
    assert.deepEqual([tasksOf(k).length, k.tasks[1]!.signal, k.vm_committed_space], [2, SIGTERM, 0]);
    assert.deepEqual(objectsOf(k), before);
  });

  it('a user may have so many tasks that their stacks take a sixteenth of memory, zombies too; root twice as many', () => {
    const forksOf = ({ uid, waits }: { uid: number; waits: boolean }): number => {
      let made = 0;
      const { k } = runTasks([user('bomb', function* (kernel) {
        for (; made < 600; made++) {
          const pid = yield* do_fork(kernel, { name: 'c', comm: 'c', program: 'c' });
          if (pid < 0) {
            assert.equal(pid, -EAGAIN);
            break;
          }
          if (waits) yield* wait_for_children(kernel, ['c']);
          else yield* schedule_timeout(kernel, MS, 'a nap');
        }
      }, { uid })], { memory: 32 * MiB }, { *c(kernel) { yield* cond_resched(kernel); } });
      assert.deepEqual([check_machine(k), k.vm_committed_space, objectsOf(k)], [[], 0, objectsOf(machineWith([], { memory: 32 * MiB }).k)]);
      return made;
    };
    const most = (32 * MiB) / 4096 / 16;
    const made = [forksOf({ uid: 1000, waits: false }), forksOf({ uid: 0, waits: false }), forksOf({ uid: 1000, waits: true })];
    const pdflushThreads = 2;
    assert.deepEqual(made, [most / 2 - 1, most - 1 - pdflushThreads, 600]);
  });

  it('children of children, on two CPUs, each with its own copy', () => {
    const leaves: string[] = [];
    const descend: Body = function* (k, task) {
      const depth = yield* load_user(k, virt(0x0804c000));
      const bytes: number[] = [];
      for (let i = 1; i <= depth; i++) bytes.push(yield* load_user(k, virt(0x0804c000 + i)));
      if (bytes.length === 4) leaves.push(bytes.join(''));
      if (depth === 4) return;
      yield* store_user(k, virt(0x0804c000), depth + 1);
      for (let side = 0; side < 2; side++) {
        yield* store_user(k, virt(0x0804c001 + depth), side);
        yield* do_fork(k, { name: `${task.name}${side}`, comm: 'c', program: 'descend' });
      }
      yield* wait_for_children(k, null);
    };
    const { k } = lawful([user('t', function* (kernel, task) { yield* store_user(kernel, virt(0x0804c000), 0); yield* descend(kernel, task); })],
      { descend }, { cpus: 2 });
    assert.deepEqual(leaves.sort(), Array.from({ length: 16 }, (_, n) => n.toString(2).padStart(4, '0')));
    assert.equal(vm_committed_exactly(k), 0);
  });
});
