// The page fault's way into the kernel (arch/i386/mm/fault.c, arch/x86_64/mm/fault.c; KERNEL.md F-1 … F-4, X-28 … X-31): whether the address may be
// touched at all, and what comes of it where it may not. What the processor does before is in mmu.ts, faults on the kernel's own mappings in
// vmalloc_fault.ts; mm/memory.ts makes the page present.
//
// Left out: instruction pointers. A program's statements are no instructions in its memory; where a log line needs one it is the first byte of the
// program's text. There is no init among the tasks of a scenario, whatever its pid: nobody is spared when there is no memory (F-2).

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { mm_struct, vm_area_struct } from '../include/mm_types.ts';
import type { task_struct } from '../include/sched.ts';
import type { PhysAddr, VirtAddr } from '../include/types.ts';
import { EFAULT } from '../include/errno.ts';
import { VM_EXEC, VM_FAULT_MAJOR, VM_FAULT_MINOR, VM_FAULT_OOM, VM_FAULT_SIGBUS, VM_GROWSDOWN, VM_READ, VM_WRITE } from '../include/mm_types.ts';
import { BUS_ADRERR, SEGV_ACCERR, SEGV_MAPERR, SIGBUS, SIGKILL, SIGSEGV, SI_KERNEL } from '../include/signal.ts';
import { NO_PAGE, virt } from '../include/types.ts';
import { BUG } from '../kernel/panic.ts';
import { printk } from '../kernel/printk.ts';
import { down_read, down_read_trylock, up_read } from '../kernel/rwsem.ts';
import { charge, current_task } from '../kernel/sched.ts';
import { force_sig, force_sig_info } from '../kernel/signal.ts';
import { oops } from '../mm/kernel_memory.ts';
import { PageAnon } from '../mm/mem_map.ts';
import { handle_mm_fault } from '../mm/memory.ts';
import { expand_stack, find_vma } from '../mm/mmap.ts';
import { task_mm } from '../mm/mm_struct.ts';
import {
  FAULT_ANON, FAULT_ANON_ZERO, FAULT_COW, FAULT_FILE, FAULT_SPURIOUS, FAULT_SWAP, RESULT_SIGSEGV, trace_major_fault, trace_mm_fault_begin,
  trace_mm_fault_end, trace_page_fault_kernel, trace_page_fault_user,
} from '../trace/mm.ts';
import { is_x86_64 } from './address.ts';
import { PF_PROT, PF_RSVD, PF_USER, PF_WRITE, is_kernel_address } from './mmu.ts';
import { pte_offset_map } from './pgalloc.ts';
import { read_pte } from './pgtable.ts';
import type { pte_t } from './pte.ts';
import { pte_none, pte_page, pte_present } from './pte.ts';
import { vmalloc_fault } from './vmalloc_fault.ts';

/** A stack may be touched so far below its pointer: `enter` and `pusha` do (F-1); behind it come 32 registers' worth, of 4 or 8 bytes. */
const STACK_CUSHION = 65536;
const CUSHION_REGISTERS = 32;

/**
 * Handles a page fault of the running task (F-1, F-2). 0: the access is to be tried again. -EFAULT: it is not; from user mode a signal waits, in the
 * kernel the exception table says where to go on.
 */
export function* do_page_fault(k: Kernel, address: VirtAddr, error_code: number): Generator<Wait, number, void> {
  const began = k.now;
  const task = current_task(k);
  const mm = task_mm(k, task);
  charge(k, k.cost.fault);
  if ((error_code & PF_USER) !== 0) trace_page_fault_user(k, address, instruction_pointer(mm), error_code);
  else trace_page_fault_kernel(k, address, 0, error_code);

  if (is_kernel_address(k, address)) {
    if ((error_code & (PF_PROT | PF_USER | PF_RSVD)) === 0 && vmalloc_fault(k, address) === 0) return 0;
    return bad_area_nosemaphore(k, address, error_code, SEGV_MAPERR);
  }
  if (mm === null) return bad_area_nosemaphore(k, address, error_code, SEGV_MAPERR);
  if (!down_read_trylock(k, mm.mmap_sem)) yield* down_read(k, mm.mmap_sem);
  let vma = find_vma(k, mm, address);
  if (vma !== null && vma.vm_start > address) vma = yield* grow_stack(k, task, vma, address, error_code);
  if (vma === null || !is_access_allowed(vma, error_code)) {
    up_read(k, mm.mmap_sem);
    trace_mm_fault_end(k, address, RESULT_SIGSEGV, FAULT_SPURIOUS, NO_PAGE, k.now - began);
    return bad_area_nosemaphore(k, address, error_code, vma === null ? SEGV_MAPERR : SEGV_ACCERR);
  }
  const write = (error_code & PF_WRITE) !== 0 ? 1 : 0;
  const entry = pte_offset_map(k, mm, address);
  const before = entry === null ? 0 : read_pte(k, entry);
  trace_mm_fault_begin(k, address, vma.id, write);
  const ret = yield* handle_mm_fault(k, mm, vma, address, write);
  trace_fault_end(k, mm, vma, address, { entry, before, ret, ns: k.now - began });
  up_read(k, mm.mmap_sem);
  if (ret === VM_FAULT_MINOR) {
    task.min_flt++;
    return 0;
  }
  return other_answer(k, task, address, error_code, ret);
}

/** What is not a minor fault (F-2). */
function other_answer(k: Kernel, task: task_struct, address: VirtAddr, error_code: number, ret: number): number {
  switch (ret) {
    case VM_FAULT_MAJOR: task.maj_flt++; return 0;
    case VM_FAULT_SIGBUS: return do_sigbus(k, address, error_code);
    case VM_FAULT_OOM: return do_oom(k, task, address, error_code);
    default: return BUG(k, 'arch/fault.c:do_page_fault: no such answer of a fault');
  }
}

/** The VMA above an address, grown down to it; null where it is no stack, or where the task has no business so far below its stack pointer (F-1). */
function* grow_stack(
  k: Kernel, task: task_struct, vma: vm_area_struct, address: VirtAddr, error_code: number,
): Generator<Wait, vm_area_struct | null, void> {
  if ((vma.vm_flags & VM_GROWSDOWN) === 0) return null;
  if ((error_code & PF_USER) !== 0 && address + STACK_CUSHION + CUSHION_REGISTERS * (is_x86_64(k) ? 8 : 4) < task.esp) return null;
  const err = yield* expand_stack(k, vma, address);
  return err === 0 ? vma : null;
}

/** A write needs VM_WRITE; a read of what is there but forbids it is refused; any other needs VM_READ or VM_EXEC (T-6). */
function is_access_allowed(vma: vm_area_struct, error_code: number): boolean {
  if ((error_code & PF_WRITE) !== 0) return (vma.vm_flags & VM_WRITE) !== 0;
  if ((error_code & PF_PROT) !== 0) return false;
  return (vma.vm_flags & (VM_READ | VM_EXEC)) !== 0;
}

/** A fault as its tracepoint tells it: where the entry was, if its table existed before, and what it held; handle_mm_fault's answer. */
interface handled_fault {
  entry: PhysAddr | null;
  before: pte_t;
  ret: number;
  ns: number;
}

/** What came of a fault, for the tracepoint alone (EV-5). @nohooks */
function trace_fault_end(k: Kernel, mm: mm_struct, vma: vm_area_struct, address: VirtAddr, { entry, before, ret, ns }: handled_fault): void {
  const found = entry ?? pte_offset_map(k, mm, address);
  const after = found === null ? 0 : read_pte(k, found);
  if (ret === VM_FAULT_MAJOR) trace_major_fault(k, address, vma.id);
  trace_mm_fault_end(k, address, ret, fault_kind(k, vma, before, after, ret), pte_present(after) ? pte_page(after) : NO_PAGE, ns);
}

/** What a fault did, by the entry before and after it. @nohooks */
function fault_kind(k: Kernel, vma: vm_area_struct, before: pte_t, after: pte_t, ret: number): number {
  if (!pte_none(before) && !pte_present(before)) return FAULT_SWAP;
  if (!pte_present(after)) return vma.vm_file === 0 ? FAULT_ANON : FAULT_FILE;
  if (pte_present(before)) return ret === VM_FAULT_OOM || before !== after ? FAULT_COW : FAULT_SPURIOUS;
  if (pte_page(after) === k.zero_page) return FAULT_ANON_ZERO;
  if (!PageAnon(k, pte_page(after))) return FAULT_FILE;
  return vma.vm_file === 0 ? FAULT_ANON : FAULT_COW;
}

// ---- what must not be -------------------------------------------------------------------------------------------------

/** Nothing may be touched there: SIGSEGV for a program; the kernel goes on where its exception table says (F-2, F-3, X-30). */
function bad_area_nosemaphore(k: Kernel, address: VirtAddr, error_code: number, si_code: number): number {
  if ((error_code & PF_USER) === 0) return no_context(k, address);
  const task = current_task(k);
  // An address of the kernel is always said to be there, and forbidden: a program must not learn what the kernel has mapped.
  const error = is_kernel_address(k, address) ? error_code | PF_PROT : error_code;
  if (is_x86_64(k)) {
    const rip = instruction_pointer(task_mm(k, task));
    printk(k, `${task.comm}[${task.pid}]: segfault at ${hex(address)} rip ${hex(rip)} rsp ${hex(task.esp)} error ${error.toString(16)}`);
  }
  force_sig_info(k, SIGSEGV, si_code, address);
  return -EFAULT;
}

/** The kernel itself touched a bad address. Where it copies from or to a process it is prepared for that (fixup_exception); anywhere else that is an
 *  oops. */
function no_context(k: Kernel, address: VirtAddr): number {
  if (!is_kernel_address(k, address) && current_task(k).mm !== 0) return -EFAULT;
  return oops(k, address);
}

/** The page does not exist, as past the end of a mapped file (F-14). */
function do_sigbus(k: Kernel, address: VirtAddr, error_code: number): number {
  if ((error_code & PF_USER) === 0) return no_context(k, address);
  force_sig_info(k, SIGBUS, BUS_ADRERR, address);
  return -EFAULT;
}

/** There is no memory for the page: the task is killed, if it was in user mode (F-2). */
function do_oom(k: Kernel, task: task_struct, address: VirtAddr, error_code: number): number {
  printk(k, `VM: killing process ${task.comm}`);
  if ((error_code & PF_USER) === 0) return no_context(k, address);
  force_sig(k, SIGKILL, task);
  return -EFAULT;
}

/** A program used an address that the processor does not have (arch/x86_64/kernel/traps.c:do_general_protection; X-2). */
export function do_general_protection(k: Kernel): void {
  const task = current_task(k);
  const rip = instruction_pointer(task_mm(k, task)).toString(16);
  printk(k, `${task.comm}[${task.pid}] general protection rip:${rip} rsp:${task.esp.toString(16)} error:0`);
  force_sig_info(k, SIGSEGV, SI_KERNEL, virt(0));
}

/** Where a program says it is (see above). @nohooks */
function instruction_pointer(mm: mm_struct | null): VirtAddr {
  return mm === null ? virt(0) : mm.start_code;
}

/** %016lx @nohooks */
function hex(address: VirtAddr): string {
  return BigInt.asUintN(64, BigInt(address)).toString(16).padStart(16, '0');
}
