// The memory of a process, as its program uses it and as system calls copy from and to it (include/asm-i386/uaccess.h; KERNEL.md F-1, F-3, X-2).
//
//   try_load_user, try_store_user, try_touch_user    plain: the TLB or the tables lead to the page; -1 where the access would fault
//   load_user, store_user, touch_user                with the fault, from user mode: -EFAULT when a signal must be taken instead
//   clear_user, copy_from_user, copy_to_user         in a system call: how many bytes could not be reached
//   __copy_from_user, __copy_to_user                 the same from and to a frame of the kernel's; with _inatomic, without taking faults
//   fault_in_pages_readable, …_writeable             before those: the first and the last page of a range are there afterwards, or -EFAULT
//
// A program may try the plain function first and call the other one where it says -1. Every access that comes to its end costs `access`; what a
// system call copies costs `copy` for each KiB.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { PhysAddr, VirtAddr } from '../include/types.ts';
import { EFAULT } from '../include/errno.ts';
import { PAGE_SIZE, phys, virt } from '../include/types.ts';
import { charge, current_task } from '../kernel/sched.ts';
import { signal_pending } from '../kernel/signal.ts';
import { task_size } from '../arch/address.ts';
import { do_general_protection, do_page_fault } from '../arch/fault.ts';
import { PF_USER, fault_error_code, is_canonical, register_value, translate } from '../arch/mmu.ts';
import { copy_phys, fill_phys, read_phys, read_phys_bytes, write_phys, write_phys_bytes } from './contents.ts';

/** Bytes that `copy` is the cost of. */
const KiB = 1024;

// ---- from user mode ---------------------------------------------------------------------------------------------------

/** The byte at an address of the running process, or -1 where reading it faults. @nohooks */
export function try_load_user(k: Kernel, address: VirtAddr): number {
  const place = translate(k, address, 0);
  if (place < 0) return -1;
  charge(k, k.cost.access);
  return read_phys(k, place as PhysAddr);
}

/** Writes a byte; 0, or -1 where that faults. @nohooks */
export function try_store_user(k: Kernel, address: VirtAddr, byte: number): 0 | -1 {
  const place = translate(k, address, 1);
  if (place < 0) return -1;
  charge(k, k.cost.access);
  write_phys(k, place as PhysAddr, byte);
  return 0;
}

/** An access that leaves the bytes as they are; 0, or -1 where it faults. @nohooks */
export function try_touch_user(k: Kernel, address: VirtAddr, write: 0 | 1): 0 | -1 {
  if (translate(k, address, write) < 0) return -1;
  charge(k, k.cost.access);
  return 0;
}

/** The byte at an address of the running process; -EFAULT when it may not be read, or the task is to die: a signal waits. @nohooks */
export function* load_user(k: Kernel, address: VirtAddr): Generator<Wait, number, void> {
  const place = yield* user_place(k, address, 0);
  if (place < 0) return -EFAULT;
  charge(k, k.cost.access);
  return read_phys(k, place as PhysAddr);
}

/** Writes a byte: 0, or -EFAULT as load_user. @nohooks */
export function* store_user(k: Kernel, address: VirtAddr, byte: number): Generator<Wait, number, void> {
  const place = yield* user_place(k, address, 1);
  if (place < 0) return -EFAULT;
  charge(k, k.cost.access);
  write_phys(k, place as PhysAddr, byte);
  return 0;
}

/** Reads or writes an address and leaves the byte as it is: 0, or -EFAULT as load_user. @nohooks */
export function* touch_user(k: Kernel, address: VirtAddr, write: 0 | 1): Generator<Wait, number, void> {
  const place = yield* user_place(k, address, write);
  if (place < 0) return -EFAULT;
  charge(k, k.cost.access);
  return 0;
}

/** Where an address is, once its faults are over; -EFAULT when a signal must be taken. @nohooks */
function* user_place(k: Kernel, address: VirtAddr, write: 0 | 1): Generator<Wait, number, void> {
  if (!is_canonical(k, address)) {
    do_general_protection(k);
    return -EFAULT;
  }
  const at = register_value(k, address);
  for (;;) {
    const place = translate(k, at, write);
    if (place >= 0) return place;
    const err = yield* do_page_fault(k, at, fault_error_code(place, write, PF_USER));
    if (err !== 0 || signal_pending(current_task(k))) return -EFAULT;
  }
}

// ---- in a system call -------------------------------------------------------------------------------------------------

/** Whether a range lies in user space (access_ok). @nohooks */
export function access_ok(k: Kernel, address: VirtAddr, size: number): boolean {
  return address >= 0 && size >= 0 && address + size <= task_size(k);
}

/** Writes zeroes to a process; how many bytes could not be written (clear_user). */
export function* clear_user(k: Kernel, to: VirtAddr, n: number): Generator<Wait, number, void> {
  if (!access_ok(k, to, n)) return n;
  let done = 0;
  while (done < n) {
    const place = yield* kernel_place(k, virt(to + done), 1);
    if (place < 0) break;
    const size = part_of_page(place, n - done);
    fill_phys(k, place as PhysAddr, size, 0);
    charge(k, k.cost.copy * Math.ceil(size / KiB));
    done += size;
  }
  return n - done;
}

/** Copies `bytes` to a process; how many could not be written (copy_to_user). */
export function* copy_to_user(k: Kernel, to: VirtAddr, bytes: Uint8Array): Generator<Wait, number, void> {
  const n = bytes.length;
  if (!access_ok(k, to, n)) return n;
  let done = 0;
  while (done < n) {
    const place = yield* kernel_place(k, virt(to + done), 1);
    if (place < 0) break;
    const size = part_of_page(place, n - done);
    write_phys_bytes(k, place as PhysAddr, bytes.subarray(done, done + size));
    charge(k, k.cost.copy * Math.ceil(size / KiB));
    done += size;
  }
  return n - done;
}

/** Fills `bytes` from a process; how many could not be read, which are then zeroes (copy_from_user). */
export function* copy_from_user(k: Kernel, bytes: Uint8Array, from: VirtAddr): Generator<Wait, number, void> {
  const n = bytes.length;
  let done = 0;
  while (done < n && access_ok(k, from, n)) {
    const place = yield* kernel_place(k, virt(from + done), 0);
    if (place < 0) break;
    const size = part_of_page(place, n - done);
    bytes.set(read_phys_bytes(k, place as PhysAddr, size), done);
    charge(k, k.cost.copy * Math.ceil(size / KiB));
    done += size;
  }
  bytes.fill(0, done);
  return n - done;
}

// ---- between a process and the page cache -----------------------------------------------------------------------------

/** Sees that a process can be written to where a range of at most a page begins and ends: 0 or -EFAULT (include/linux/pagemap.h). The kernel writes a
 *  zero to both ends; here they stay as they are. */
export function* fault_in_pages_writeable(k: Kernel, uaddr: VirtAddr, size: number): Generator<Wait, number, void> {
  const ret = yield* fault_in_ends(k, uaddr, size, 1);
  return ret;
}

/** The same to read from it (include/linux/pagemap.h). */
export function* fault_in_pages_readable(k: Kernel, uaddr: VirtAddr, size: number): Generator<Wait, number, void> {
  const ret = yield* fault_in_ends(k, uaddr, size, 0);
  return ret;
}

function* fault_in_ends(k: Kernel, uaddr: VirtAddr, size: number, write: 0 | 1): Generator<Wait, number, void> {
  if (size === 0) return 0;
  const end = virt(uaddr + size - 1);
  const first = yield* kernel_place(k, uaddr, write);
  if (first < 0) return -EFAULT;
  if (Math.floor(uaddr / PAGE_SIZE) === Math.floor(end / PAGE_SIZE)) return 0;
  const last = yield* kernel_place(k, end, write);
  return last < 0 ? -EFAULT : 0;
}

/** Copies `n` bytes of one frame to a process, as far as no fault is needed; how many could not be written. */
export function __copy_to_user_inatomic(k: Kernel, to: VirtAddr, from: PhysAddr, n: number): number {
  return copy_inatomic(k, { user: to, kernel: from, n, write: 1 });
}

/** The other way round; bytes of the frame that could not be had stay as they are. */
export function __copy_from_user_inatomic(k: Kernel, to: PhysAddr, from: VirtAddr, n: number): number {
  return copy_inatomic(k, { user: from, kernel: to, n, write: 0 });
}

/** Copies `n` bytes of one frame to a process; how many could not be written. The range was found to be the process's (access_ok). */
export function* __copy_to_user(k: Kernel, to: VirtAddr, from: PhysAddr, n: number): Generator<Wait, number, void> {
  const left = yield* copy_with_faults(k, { user: to, kernel: from, n, write: 1 });
  return left;
}

/** The other way round; bytes of the frame that could not be had are zeroes then. */
export function* __copy_from_user(k: Kernel, to: PhysAddr, from: VirtAddr, n: number): Generator<Wait, number, void> {
  const left = yield* copy_with_faults(k, { user: from, kernel: to, n, write: 0 });
  if (left > 0) fill_phys(k, phys(to + n - left), left, 0);
  return left;
}

/** A copy between a process and a frame; `write`: to the process. */
interface user_copy {
  user: VirtAddr;
  kernel: PhysAddr;
  n: number;
  write: 0 | 1;
}

function copy_inatomic(k: Kernel, copy: user_copy): number {
  let done = 0;
  while (done < copy.n) {
    const place = translate(k, virt(copy.user + done), copy.write);
    if (place < 0) break;
    done += copy_part(k, copy, done, place);
  }
  return copy.n - done;
}

function* copy_with_faults(k: Kernel, copy: user_copy): Generator<Wait, number, void> {
  let done = 0;
  while (done < copy.n) {
    const place = yield* kernel_place(k, virt(copy.user + done), copy.write);
    if (place < 0) break;
    done += copy_part(k, copy, done, place);
  }
  return copy.n - done;
}

/** Copies what lies in one page of the process, which is at `place`; how much that was. */
function copy_part(k: Kernel, copy: user_copy, done: number, place: number): number {
  const size = part_of_page(place, copy.n - done);
  const other = phys(copy.kernel + done);
  if (copy.write === 1) copy_phys(k, phys(place), other, size);
  else copy_phys(k, other, phys(place), size);
  charge(k, k.cost.copy * Math.ceil(size / KiB));
  return size;
}

/** Where an address is, for the kernel; -EFAULT where the exception table ends the copy (F-3). */
function* kernel_place(k: Kernel, address: VirtAddr, write: 0 | 1): Generator<Wait, number, void> {
  for (;;) {
    const place = translate(k, address, write);
    if (place >= 0) return place;
    const err = yield* do_page_fault(k, address, fault_error_code(place, write, 0));
    if (err !== 0) return -EFAULT;
  }
}

/** How much of what is left lies in the same page. @nohooks */
function part_of_page(place: number, left: number): number {
  return Math.min(left, PAGE_SIZE - (place % PAGE_SIZE));
}
