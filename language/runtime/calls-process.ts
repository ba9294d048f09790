/**
 * What a process calls: system calls and the C library's malloc (KERNEL.md chapter 8, LANGUAGE.md). A failing one answers with the negative errno.
 * What works on files is in calls-files.ts; what a process does with its memory itself, load and store, in steps-process.ts.
 */
import {
  current_task, free, malloc, sys_brk, sys_kill, sys_madvise, sys_mincore, sys_mlock, sys_mlockall, sys_mmap, sys_mprotect,
  sys_mremap, sys_msync, sys_munlock, sys_munmap, sys_oom_adj, sys_sbrk, sys_sched_yield, sys_setuid,
} from '../../engine/index.ts';
import type { AtomicCall, SleepingCall } from './call.ts';
import { intOf, lengthOf, registerAddress, signedRegister, sleeping, sleepingSystemCall, systemCall, textOf } from './call.ts';
import { SLEEPING_FILE_CALLS } from './calls-files.ts';
import { answered, sysctl, sysctlValue } from './calls-memory.ts';
import type { Value } from './values.ts';

const EPERM = 1;

export const ATOMIC_PROCESS_CALLS: ReadonlyMap<string, AtomicCall> = new Map<string, AtomicCall>([
  systemCall('getpid', (k) => k.current),
  systemCall('kill', (k, [pid, sig]) => sys_kill(k, intOf(pid), intOf(sig))),
  systemCall('setuid', (k, [uid]) => sys_setuid(k, intOf(uid))),
  systemCall('set_oom_adj', (k, [pid, adj]) => sys_oom_adj(k, intOf(pid), intOf(adj))),
  ['set_esp', (k, [address]) => {
    current_task(k).esp = registerAddress(k, address);
    return 0;
  }],
]);

export const SLEEPING_PROCESS_CALLS: ReadonlyMap<string, SleepingCall> = new Map<string, SleepingCall>([
  sleepingSystemCall('mmap', (k, [length, prot, flags, fd, offset, addr]) => (
    sys_mmap(k, registerAddress(k, addr), lengthOf(k, length), intOf(prot), intOf(flags), intOf(fd), lengthOf(k, offset)))),
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
  sleepingSystemCall<Value>('sysctl', (k, [name, value]) => (
    value !== undefined && current_task(k).euid !== 0 ? answered(-EPERM) : sysctl(k, textOf(name), value)), sysctlValue),
  ...SLEEPING_FILE_CALLS,
  sleeping('malloc', { begin: (k, [size]) => malloc(k, lengthOf(k, size)), result: (address) => address }),
  sleeping('free', { begin: (k, [ptr]) => free(k, registerAddress(k, ptr)), result: () => 0 }),
]);
