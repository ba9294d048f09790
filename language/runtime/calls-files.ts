/**
 * What a process calls to work with files (KERNEL.md FM-4, FM-5, FM-14, LANGUAGE.md). A descriptor is an int, an offset a loff_t, and a count what a
 * register holds, so that a negative one is refused as the kernel does. `buf` 0 is the process's own buffer (engine/user/iobuf.ts).
 */
import type { Kernel } from '../../engine/index.ts';
import {
  sys_close, sys_fadvise64_64, sys_fsync, sys_ftruncate, sys_lseek, sys_open, sys_readahead, sys_sync, user_read, user_write, virt,
} from '../../engine/index.ts';
import type { SleepingCall } from './call.ts';
import { byteOf, intOf, offsetOf, pathOf, registerAddress, signedRegister, sleeping, sleepingSystemCall } from './call.ts';
import type { Value } from './values.ts';

const OWN_BUFFER = virt(0);

export const SLEEPING_FILE_CALLS: readonly [string, SleepingCall][] = [
  sleepingSystemCall('open', (k, [path, flags]) => sys_open(k, pathOf(path), intOf(flags))),
  sleepingSystemCall('close', (k, [fd]) => sys_close(k, intOf(fd))),
  sleepingSystemCall('lseek', (k, [fd, off, whence]) => sys_lseek(k, intOf(fd), offsetOf(off), intOf(whence))),
  sleepingSystemCall('ftruncate', (k, [fd, n]) => sys_ftruncate(k, intOf(fd), offsetOf(n))),
  sleepingSystemCall('fsync', (k, [fd]) => sys_fsync(k, intOf(fd))),
  sleepingSystemCall('sync', (k) => sys_sync(k)),
  sleepingSystemCall('readahead', (k, [fd, off, n]) => sys_readahead(k, intOf(fd), offsetOf(off), signedRegister(k, n))),
  sleepingSystemCall('fadvise', (k, [fd, off, n, advice]) => sys_fadvise64_64(k, intOf(fd), offsetOf(off), offsetOf(n), intOf(advice))),
  transfer('read', ([fd, n, buf], k) => user_read(k, { fd: intOf(fd), n: signedRegister(k, n), buf: registerAddress(k, buf), pos: null, byte: 0 })),
  transfer('write', ([fd, n, byte, buf], k) => (
    user_write(k, { fd: intOf(fd), n: signedRegister(k, n), buf: registerAddress(k, buf), pos: null, byte: byteOf(byte) }))),
  transfer('pread', ([fd, n, off], k) => user_read(k, { fd: intOf(fd), n: signedRegister(k, n), buf: OWN_BUFFER, pos: offsetOf(off), byte: 0 })),
  transfer('pwrite', ([fd, n, off, byte], k) => (
    user_write(k, { fd: intOf(fd), n: signedRegister(k, n), buf: OWN_BUFFER, pos: offsetOf(off), byte: byteOf(byte) }))),
];

/** A call that may be several system calls, each of which is charged where it is made. */
function transfer(name: string, begin: (args: Value[], k: Kernel) => ReturnType<typeof user_read>): [string, SleepingCall] {
  return sleeping(name, { begin: (k, args) => begin(args, k), result: (returned) => returned });
}
