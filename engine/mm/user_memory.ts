// The memory of a process, as its program uses it and as system calls copy from and to it (include/asm-i386/uaccess.h; KERNEL.md F-1, F-3, X-2).
//
//   try_load_user, try_store_user, try_touch_user    plain: the TLB or the tables lead to the page; -1 where the access would fault
//   load_user, store_user, touch_user                with the fault, from user mode: -EFAULT when a signal must be taken instead
//   clear_user, copy_from_user, copy_to_user         in a system call: how many bytes could not be reached
//
// A program may try the plain function first and call the other one where it says -1. Every access that comes to its end costs `access`; what a
// system call copies costs `copy` for each KiB.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { PhysAddr, VirtAddr } from '../include/types.ts';
import { EFAULT } from '../include/errno.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { charge, current_task } from '../kernel/sched.ts';
import { signal_pending } from '../kernel/signal.ts';
import { task_size } from '../arch/address.ts';
import { do_general_protection, do_page_fault } from '../arch/fault.ts';
import { PF_USER, fault_error_code, is_canonical, register_value, translate } from '../arch/mmu.ts';
import { fill_phys, read_phys, read_phys_bytes, write_phys, write_phys_bytes } from './contents.ts';

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
