/**
 * What a process calls: system calls and the C library's malloc (KERNEL.md chapter 8, LANGUAGE.md). A failing one answers with the negative errno.
 * What a process does with its memory itself, load and store, is in steps-process.ts.
 */
import type { Kernel, Wait } from '../../engine/index.ts';
import {
  MAP_ANONYMOUS, PAGE_SIZE, current_task, free, malloc, sys_brk, sys_kill, sys_madvise, sys_mincore, sys_mlock, sys_mlockall, sys_mmap2, sys_mprotect,
  sys_mremap, sys_msync, sys_munlock, sys_munmap, sys_oom_adj, sys_sbrk, sys_sched_yield, sys_setuid,
} from '../../engine/index.ts';
import type { AtomicCall, SleepingCall } from './call.ts';
import { intOf, lengthOf, registerAddress, signedRegister, sleeping, sleepingSystemCall, systemCall, textOf } from './call.ts';
import { sysctl } from './calls-memory.ts';
import type { Value } from './values.ts';

const EPERM = 1;
const EBADF = 9;
const EINVAL = 22;

export const ATOMIC_PROCESS_CALLS: ReadonlyMap<string, AtomicCall> = new Map<string, AtomicCall>([
  systemCall('getpid', (k) => k.current),
  systemCall('kill', (k, [pid, sig]) => sys_kill(k, intOf(pid), intOf(sig))),
  systemCall('setuid', (k, [uid]) => sys_setuid(k, intOf(uid))),
  systemCall('set_oom_adj', (k, [pid, adj]) => sys_oom_adj(k, intOf(pid), intOf(adj))),
  systemCall('sysctl', (k, [name, value]) => (value !== undefined && current_task(k).euid !== 0 ? -EPERM : sysctl(k, textOf(name), value))),
  ['set_esp', (k, [address]) => {
    current_task(k).esp = registerAddress(k, address);
    return 0;
  }],
]);

export const SLEEPING_PROCESS_CALLS: ReadonlyMap<string, SleepingCall> = new Map<string, SleepingCall>([
  sleepingSystemCall('mmap', mmap),
  sleepingSystemCall('munmap', (k, [addr, length]) => sys_munmap(k, registerAddress(k, addr), lengthOf(k, length))),
  sleepingSystemCall('mremap', (k, [addr, from, to, flags, newAddr]) => (
    sys_mremap(k, registerAddress(k, addr), lengthOf(k, from), lengthOf(k, to), intOf(flags), registerAddress(k, newAddr)))),
  sleepingSystemCall('mprotect', (k, [addr, length, prot]) => sys_mprotect(k, registerAddress(k, addr), lengthOf(k, length), intOf(prot))),
  sleepingSystemCall('madvise', (k, [addr, length, advice]) => sys_madvise(k, registerAddress(k, addr), lengthOf(k, length), intOf(advice))),
  sleepingSystemCall('mlock', (k, [addr, length]) => sys_mlock(k, registerAddress(k, addr), lengthOf(k, length))),
  sleepingSystemCall('munlock', (k, [addr, length]) => sys_munlock(k, registerAddress(k, addr), lengthOf(k, length))),
  sleepingSystemCall('mlockall', (k, [flags]) => sys_mlockall(k, intOf(flags))),
  sleepingSystemCall('msync', (k, [addr, length, flags]) => sys_msync(k, registerAddress(k, addr), lengthOf(k, length), intOf(flags))),
  sleepingSystemCall<number | number[]>('mincore', (k, [addr, length]) => sys_mincore(k, registerAddress(k, addr), lengthOf(k, length))),
  sleepingSystemCall('brk', (k, [addr]) => sys_brk(k, registerAddress(k, addr))),
  sleepingSystemCall('sbrk', (k, [delta]) => sys_sbrk(k, signedRegister(k, delta))),
  sleepingSystemCall('sched_yield', (k) => sys_sched_yield(k)),
  sleeping('malloc', { begin: (k, [size]) => malloc(k, lengthOf(k, size)), result: (address) => address }),
  sleeping('free', { begin: (k, [ptr]) => free(k, registerAddress(k, ptr)), result: () => 0 }),
]);

/** Of memory alone: there is no file yet that a descriptor could be of. An offset within a page is refused by the C library. */
function mmap(k: Kernel, [length, prot, flags, , offset, addr]: Value[]): Generator<Wait, number, void> {
  const how = intOf(flags);
  const error = intOf(offset) % PAGE_SIZE !== 0 ? -EINVAL : (how & MAP_ANONYMOUS) === 0 ? -EBADF : 0;
  const pgoff = Math.floor(lengthOf(k, offset) / PAGE_SIZE);
  return answered(error, sys_mmap2(k, registerAddress(k, addr), lengthOf(k, length), intOf(prot), how, 0, pgoff));
}

/** A call that is refused before it begins, where there is an error. */
function* answered(error: number, call: Generator<Wait, number, void>): Generator<Wait, number, void> {
  if (error !== 0) return error;
  const result = yield* call;
  return result;
}
