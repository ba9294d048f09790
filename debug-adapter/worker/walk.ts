// What `walk ADDRESS` says in the debug console: how the processor would find an address of a task, level by level. Looking disturbs nothing.

import type { Kernel, mm_struct, task_struct, walk_step } from '../../engine/index.ts';
import {
  PAGE_SIZE, area_name, hardware_pte, is_x86_64, pte_page, pte_present, show_pte_bits, shown_areas, task_mm, virt,
  vma_permissions, walk_page_table,
} from '../../engine/index.ts';

/** A line for the area, one for each level, and one for where the byte is. */
export function walkText(k: Kernel, pid: number, address: number): string {
  const task = k.tasks[pid];
  const mm = task === undefined ? null : task_mm(k, task);
  const steps = walk_page_table(k, mm?.pgd ?? k.init_mm.pgd, virt(address));
  const lines = [head(k, task, mm, address), ...steps.map((step, i) => level(k, step, i === steps.length - 1)), end(steps.at(-1)!, address)];
  return `${lines.join('\n')}\n`;
}

function head(k: Kernel, task: task_struct | undefined, mm: mm_struct | null, address: number): string {
  if (task === undefined || mm === null) return `${hex(address)} of the kernel (init_mm)`;
  return `${hex(address)} of ${task.name} (${task.pid}): ${address < 0 || address >= mm.task_size ? 'a kernel address' : areaOf(k, task, mm, address)}`;
}

function areaOf(k: Kernel, task: task_struct, mm: mm_struct, address: number): string {
  const area = shown_areas(k, task).find(({ vma }) => vma.vm_start <= address && address < vma.vm_end);
  if (area === undefined) return 'in no area';
  const { vm_start, vm_end, vm_flags } = area.vma;
  const name = area_name(mm, area);
  return `in ${hex(vm_start)}-${hex(vm_end)} ${vma_permissions(vm_flags)}${name === '' ? '' : ` ${name}`}`;
}

/** `PGD[735] in frame 4354 at 0x1102b7c: 0x1146067 PRESENT|RW|USER|ACCESSED|DIRTY → frame 4422`. */
function level(k: Kernel, { level: name, table, index, entry, value }: walk_step, isLast: boolean): string {
  const raw = `0x${hardware_pte(value).toString(16).padStart(is_x86_64(k) ? 16 : 8, '0')}`;
  const leads = pte_present(value) ? ` → frame ${pte_page(value)}` : isLast && value === 0 ? ': the walk ends here' : '';
  return `  ${name}[${index}] in frame ${table} at ${hex(entry)}: ${raw} ${show_pte_bits(value)}${leads}`;
}

function end({ level: name, value }: walk_step, address: number): string {
  if (name !== 'PTE' || !pte_present(value)) return 'Nothing is mapped there: an access faults.';
  const offset = ((address % PAGE_SIZE) + PAGE_SIZE) % PAGE_SIZE;
  return `The byte is at physical address ${hex(pte_page(value) * PAGE_SIZE + offset)}.`;
}

/** Kernel addresses of x86_64 are unsigned for people. */
function hex(address: number): string {
  return `0x${(address < 0 ? BigInt.asUintN(64, BigInt(address)) : address).toString(16)}`;
}
