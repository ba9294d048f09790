// The buffer that a process reads into and writes from where its program names none (LANGUAGE.md, what a process may call): 128 KiB of memory of its
// own, `[iobuf]` in /proc/PID/maps, made at the first such call and used from its start each time. It is code of the process itself: its pages fault
// in as any memory does, and a longer count goes through it piece by piece, each piece a system call.
//
//   read(fd, 300 KiB)   ─►   sys_read 128 KiB │ sys_read 128 KiB │ sys_read 44 KiB      a short piece ends it, and so does an error
//
// VM_DONTEXPAND keeps its area from being joined with a neighbour, so that it is seen as what it is. Who unmaps it gets a new one; who takes a part
// of it away gets what a program gets whose buffer is gone, -EFAULT or SIGSEGV.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct } from '../include/mm_types.ts';
import type { PhysAddr, VirtAddr } from '../include/types.ts';
import { EFAULT } from '../include/errno.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../include/mman.ts';
import { IOBUF_SIZE, VM_DONTEXPAND } from '../include/mm_types.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { translate } from '../arch/mmu.ts';
import { sys_pread64, sys_pwrite64, sys_read, sys_write } from '../fs/read_write.ts';
import { charge, cond_resched, current_task } from '../kernel/sched.ts';
import { signal_pending } from '../kernel/signal.ts';
import { fill_phys } from '../mm/contents.ts';
import { find_vma, sys_mmap2 } from '../mm/mmap.ts';
import { current_mm } from '../mm/mm_struct.ts';
import { touch_user } from '../mm/user_memory.ts';

/** What a program asks for: `n` bytes at `buf`, or where that is 0 at the process's own buffer; at `pos` of the file, or where that is null where
 *  it stands. `byte` is what a write fills the process's own buffer with. */
export interface io_request {
  fd: number;
  buf: VirtAddr;
  n: number;
  pos: number | null;
  byte: number;
}

/** read and pread: how many bytes, or a negative error. */
export function* user_read(k: Kernel, request: io_request): Generator<Wait, number, void> {
  const got = yield* user_io(k, request, 0);
  return got;
}

/** write and pwrite: likewise. */
export function* user_write(k: Kernel, request: io_request): Generator<Wait, number, void> {
  const put = yield* user_io(k, request, 1);
  return put;
}

function* user_io(k: Kernel, request: io_request, write: 0 | 1): Generator<Wait, number, void> {
  if (request.buf !== 0) {
    charge(k, k.cost.syscall);
    const all = yield* one_call(k, request, write);
    return all;
  }
  const buf = yield* io_buffer(k);
  if (buf < 0) return buf;
  if (write === 1) yield* fill_user(k, buf, Math.min(request.n, IOBUF_SIZE), request.byte);
  if (signal_pending(current_task(k))) return -EFAULT;
  const done = yield* piecewise(k, { ...request, buf }, write);
  return done;
}

function* piecewise(k: Kernel, request: io_request, write: 0 | 1): Generator<Wait, number, void> {
  const { n, pos } = request;
  let done = 0;
  for (;;) {
    const piece = Math.min(n - done, IOBUF_SIZE);
    charge(k, k.cost.syscall);
    const ret = yield* one_call(k, { ...request, n: piece, pos: pos === null ? null : pos + done }, write);
    if (ret < 0) return done === 0 ? ret : done;
    done += ret;
    if (ret < piece || done >= n) return done;
    yield* cond_resched(k);
    if (signal_pending(current_task(k))) return done;
  }
}

/** One system call, sys_pread64 or sys_pwrite64 where a place in the file is said. */
function* one_call(k: Kernel, { fd, buf, n, pos }: io_request, write: 0 | 1): Generator<Wait, number, void> {
  let ret = 0;
  if (pos === null && write === 0) ret = yield* sys_read(k, fd, buf, n);
  else if (pos === null) ret = yield* sys_write(k, fd, buf, n);
  else if (write === 0) ret = yield* sys_pread64(k, fd, buf, n, pos);
  else ret = yield* sys_pwrite64(k, fd, buf, n, pos);
  return ret;
}

// ---- the buffer -------------------------------------------------------------------------------------------------------

/** The running process's own buffer, made where it has none; -ENOMEM. */
function* io_buffer(k: Kernel): Generator<Wait, VirtAddr, void> {
  const mm = current_mm(k)!;
  if (mm.iobuf !== 0 && has_buffer(k, mm)) return mm.iobuf;
  mm.def_flags |= VM_DONTEXPAND;
  const made = yield* sys_mmap2(k, virt(0), IOBUF_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
  mm.def_flags &= ~VM_DONTEXPAND;
  if (made >= 0) mm.iobuf = virt(made);
  return virt(made);
}

/** Whether something of the buffer is still there. */
function has_buffer(k: Kernel, mm: mm_struct): boolean {
  const vma = find_vma(k, mm, mm.iobuf);
  return vma !== null && vma.vm_start < mm.iobuf + IOBUF_SIZE && (vma.vm_flags & VM_DONTEXPAND) !== 0;
}

/** The process fills memory of its own, an access for each page; a signal waits where it may not (memset). */
function* fill_user(k: Kernel, address: VirtAddr, n: number, byte: number): Generator<Wait, void, void> {
  for (let done = 0; done < n; done += PAGE_SIZE) {
    const error = yield* touch_user(k, virt(address + done), 1);
    if (error !== 0) return;
    fill_phys(k, translate(k, virt(address + done), 1) as PhysAddr, Math.min(PAGE_SIZE, n - done), byte);
  }
}
