// Page faults of a stretch, done by the engine's own handle_mm_fault, and forks, done by its do_fork. What the processor and other tasks did to the
// page tables meanwhile, and what was read into the page cache, is taken from the lines.

import type { mm_struct, vm_area_struct } from '../../engine/include/mm_types.ts';
import type { VirtAddr } from '../../engine/include/types.ts';
import { VM_GROWSDOWN, VM_SHARED } from '../../engine/include/mm_types.ts';
import { PG_reserved } from '../../engine/include/page-flags.ts';
import { NR_PAGETABLE } from '../../engine/include/mmzone.ts';
import { NO_PAGE, PAGE_SIZE, pfn, phys_to_pfn, virt } from '../../engine/include/types.ts';
import { PF_USER, PF_WRITE } from '../../engine/arch/mmu.ts';
import { do_page_fault } from '../../engine/arch/fault.ts';
import { pte_alloc_map, pte_offset_map } from '../../engine/arch/pgalloc.ts';
import { write_pte } from '../../engine/arch/pgtable.ts';
import { _PAGE_ACCESSED, _PAGE_DIRTY, _PAGE_RW, pte_present } from '../../engine/arch/pte.ts';
import { flush_tlb_page } from '../../engine/arch/tlb.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { PageAnon, get_page, set_page_count, set_page_flag } from '../../engine/mm/mem_map.ts';
import { __handle_mm_fault } from '../../engine/mm/memory.ts';
import { zap_page_range } from '../../engine/mm/memory_zap.ts';
import { expand_stack, find_vma } from '../../engine/mm/mmap.ts';
import { alloc_object, free_object, mm_of, mm_vmas, vma_inode } from '../../engine/mm/mm_struct.ts';
import { find_cache } from '../../engine/mm/slab_lists.ts';
import { dec_zone_page_state } from '../../engine/mm/vmstat.ts';
import type { Line } from './observer.ts';
import { changeOf, frameOf, pageOf } from './processes.ts';
import { become, cachePage, cachedFrame, entryAt, entryFor, fileIndex } from './space.ts';
import type { Process, Stretch } from './stretch.ts';
import { compared, differIn, endStretch, judged, linesOf } from './stretch.ts';
import type { Group, Touch } from './stretch-plan.ts';
import { TABLE_SPAN, claim, isSlabPage, isTable } from './stretch-plan.ts';
import type { Fault } from './trace.ts';

/** Bits that the processor sets by itself. */
const HARDWARE = _PAGE_ACCESSED | _PAGE_DIRTY;
const MAJOR_BIT = 1;

const hex8 = (value: number): string => value.toString(16).padStart(8, '0');

// ---- one fault --------------------------------------------------------------------------------------------------------

/** What handle_mm_fault is to leave, in the recorder's words. */
interface Outcome {
  old: number;
  new: number;
  ret: number;
  anon_rss: number;
  file_rss: number;
  ptes: number;
}

const show = ({ old, new: entry, ret, anon_rss, file_rss, ptes }: Outcome): string =>
  `old ${hex8(old)} new ${hex8(entry)} ret ${ret} anon_rss ${anon_rss} file_rss ${file_rss} ptes ${ptes}`;

/** The engine handles the fault; its allocations, both entries, the answer and the counters must be the recorded ones. */
export function meetFault(stretch: Stretch, fault: Fault): void {
  const { checks, observer: { k }, plan } = stretch;
  checks.faults.total++;
  const process = stretch.processes.get(fault.pid);
  if (process === undefined) {
    checks.faults.total--;
    endStretch(stretch, `line ${fault.line} is of process ${fault.pid}, of which nothing is known`);
    return;
  }
  if (fault.old !== 0 && !pte_present(fault.old)) {
    checks.faults.total--;
    endStretch(stretch, `line ${fault.line} brings in a page from swap, which is not modelled yet`);
    return;
  }
  become(k, process.task);
  const { mm } = process;
  takeOverHardwareBits(stretch, process, fault);
  forgetUnseen(stretch, process, fault);
  const vma = areaOf(stretch, mm, fault);
  if (vma === null) {
    differIn(stretch, checks.faults, { where: `trace line ${fault.line}`, kernel: `handled a fault at ${hex8(fault.address)}`, engine: 'has no area there' });
    return;
  }
  const isFed = feed(stretch, vma, fault);
  if (!plan.newTables.has(fault)) entryExists(stretch, mm, fault.address);
  const old = entryAt(k, mm, fault.address);
  let ret = -1;
  const isSame = judged(stretch, checks.faults, process.task, plan.owned.get(fault) ?? [], () => {
    ret = run_to_end(k, __handle_mm_fault(k, mm, vma, virt(fault.address), fault.write));
  });
  if (!isSame) return;
  if (isFed && fault.ret === (ret | MAJOR_BIT)) ret = fault.ret;
  compare(stretch, fault, { old, new: entryAt(k, mm, fault.address), ret, anon_rss: mm.anon_rss, file_rss: mm.file_rss, ptes: mm.nr_ptes });
}

function compare(stretch: Stretch, fault: Fault, engine: Outcome): void {
  const { faults } = stretch.checks;
  stretch.processes.get(fault.pid)!.isNew = false;
  const kernel = show(fault);
  if (kernel === show(engine)) faults.same++;
  else if (stretch.isUncertain) {
    faults.total--;
    endStretch(stretch, `what process ${fault.pid} has at line ${fault.line} is not known: pages were freed of which no line says whose they were`);
  } else differIn(stretch, faults, { where: `trace line ${fault.line}`, kernel, engine: show(engine) });
}

/** Between two faults the processor may have set the accessed bit, and the dirty bit of an entry that may be written. */
function takeOverHardwareBits({ observer: { k } }: Stretch, { mm }: Process, fault: Fault): void {
  const engine = entryAt(k, mm, fault.address);
  const set = fault.old - engine;
  const isAllowed = (set & _PAGE_DIRTY) === 0 || (engine & _PAGE_RW) !== 0;
  const isHardware = engine !== 0 && set > 0 && (set & ~HARDWARE) === 0 && (engine & set) === 0 && isAllowed;
  if (!isHardware) return;
  write_pte(k, pte_offset_map(k, mm, virt(fault.address))!, fault.old);
  flush_tlb_page(k, mm, virt(pageOf(fault.address)));
}

/** Pages of files, and the page of zeroes, leave no line when they are unmapped. Where the counter has become less they went meanwhile: all of an
 *  area that has just so many, or those that later faults find missing, or that nobody touches any more. */
function forgetUnseen(stretch: Stretch, process: Process, fault: Fault): void {
  const { k } = stretch.observer;
  const { mm } = process;
  const gone = mm.file_rss - (fault.file_rss - changeOf(fault).file);
  if (gone <= 0 || process.isNew) return;
  const areas = mm_vmas(k, mm).map((vma) => ({ vma, pages: filePages(stretch, vma) }));
  const whole = areas.find(({ vma, pages }) => vma.vm_file !== 0 && pages.length === gone);
  const next = nextOwnFaults(stretch, fault);
  const candidates = (whole?.pages ?? areas.flatMap(({ pages }) => pages)).filter((page) => (next.get(page)?.old ?? 0) === 0);
  candidates.sort((a, b) => (next.get(a)?.line ?? Infinity) - (next.get(b)?.line ?? Infinity) || a - b);
  if (candidates.length < gone) return;
  for (const page of candidates.slice(0, gone)) run_to_end(k, zap_page_range(k, find_vma(k, mm, page)!, virt(page), PAGE_SIZE));
  stretch.notes.add(`process ${process.pid}: pages of files, or of zeroes, were unmapped between faults, unrecorded`);
}

/** Pages of an area that are mapped and not anonymous. */
function filePages({ observer: { k } }: Stretch, vma: vm_area_struct): number[] {
  const pages: number[] = [];
  for (let address = vma.vm_start as number; address < vma.vm_end; address += PAGE_SIZE) {
    const entry = entryAt(k, k.mm_structs[vma.vm_mm]!, address);
    if (pte_present(entry) && !PageAnon(k, pfn(frameOf(entry)))) pages.push(address);
  }
  return pages;
}

/** The process's next fault on each page, from one on. */
function nextOwnFaults({ plan }: Stretch, from: Fault): Map<number, Fault> {
  const next = new Map<number, Fault>();
  for (const fault of plan.faults.slice(plan.faults.indexOf(from))) {
    const page = pageOf(fault.address);
    if (fault.pid === from.pid && !next.has(page)) next.set(page, fault);
  }
  return next;
}

/** The VMA of the address; a stack grows down to it. */
function areaOf({ observer: { k } }: Stretch, mm: mm_struct, fault: Fault): vm_area_struct | null {
  const vma = find_vma(k, mm, fault.address);
  if (vma === null || vma.vm_start <= fault.address) return vma;
  if ((vma.vm_flags & VM_GROWSDOWN) === 0) return null;
  return run_to_end(k, expand_stack(k, vma, virt(fault.address))) === 0 ? vma : null;
}

/** Puts into the page cache what the fault must have found or read there, and tells the engine which frame is the page of zeroes. Whether it fed
 *  it. */
function feed(stretch: Stretch, vma: vm_area_struct, fault: Fault): boolean {
  const { k } = stretch.observer;
  if (fault.old !== 0) return false;
  const file = vma_inode(k, vma);
  if (file === null) {
    if (fault.write === 0) setZeroPage(stretch, frameOf(fault.new));
    return false;
  }
  if (cachedFrame(k, vma, fault.address) !== undefined) return false;
  const isOwnPage = fault.write === 1 && (vma.vm_flags & VM_SHARED) === 0;
  cachePage(k, file, fileIndex(vma, fault.address), isOwnPage ? stretch.machine.spare() : pfn(frameOf(fault.new)));
  stretch.notes.add('frames of file pages are taken from the lines that show them; whether such a fault had to wait for the disk (ret 3) is judged apart, with a disk');
  return true;
}

function setZeroPage(stretch: Stretch, frame: number): void {
  const { k } = stretch.observer;
  if (k.zero_page !== NO_PAGE) return;
  k.zero_page = pfn(frame);
  set_page_count(k, k.zero_page, 1);
  set_page_flag(k, k.zero_page, PG_reserved);
  get_page(k, k.zero_page);
  stretch.notes.add('the frame of the page of zeroes is taken from the first line that shows it');
}

/** The page table for an address existed before the stretch, since no line allocates it: it is counted already. */
function entryExists(stretch: Stretch, mm: mm_struct, address: number): void {
  const { k } = stretch.observer;
  if (pte_offset_map(k, mm, virt(address)) !== null) return;
  const { nr_ptes } = mm;
  const entry = entryFor(k, mm, address, stretch.machine.spare);
  mm.nr_ptes = nr_ptes;
  dec_zone_page_state(k, phys_to_pfn(entry), NR_PAGETABLE);
}

/** The page table of a fault that had to read its page first: made before those pages. */
export function meetEarlyTable(stretch: Stretch, group: Group, fault: Fault): void {
  const process = stretch.processes.get(fault.pid);
  if (process === undefined) return;
  const { k } = stretch.observer;
  judged(stretch, stretch.checks.faults, process.task, [group], () => {
    run_to_end(k, pte_alloc_map(k, process.mm, virt(fault.address)));
  });
}

// ---- touches ----------------------------------------------------------------------------------------------------------

/** A page that a process touched: the engine takes the fault from the beginning. */
export function meetTouch(stretch: Stretch, touch: Touch): void {
  const { checks: { touches }, observer: { k } } = stretch;
  const process = stretch.byComm.get(touch.comm)!;
  touches.total++;
  if (touch.table === null) entryExists(stretch, process.mm, touch.address);
  const isAdjacent = touch.table !== null && touch.table.at + touch.table.events.length === touch.page.at;
  const groups = isAdjacent ? [touch.table!, touch.page] : [touch.page];
  const { anon_rss } = process.mm;
  const isSame = judged(stretch, touches, process.task, groups, () => {
    if (run_to_end(k, do_page_fault(k, virt(touch.address), PF_WRITE | PF_USER)) !== 0) throw new Error(`the engine refuses the access: ${process.task.pending[0]?.signo ?? 'no'} signal waits`);
  });
  if (isSame && process.mm.anon_rss === anon_rss + 1) touches.same++;
  else if (isSame) differIn(stretch, touches, { where: `trace line ${touch.page.asked!.line}`, kernel: 'a page more is resident', engine: `anon_rss ${anon_rss}, then ${process.mm.anon_rss}` });
}

/** Its table, where other requests came between it and the page. */
export function meetTouchTable(stretch: Stretch, touch: Touch): void {
  const { k } = stretch.observer;
  const { task, mm } = stretch.byComm.get(touch.comm)!;
  judged(stretch, stretch.checks.touches, task, [touch.table!], () => {
    run_to_end(k, pte_alloc_map(k, mm, virt(touch.address)));
  });
}

// ---- forks ------------------------------------------------------------------------------------------------------------

/** The engine forks; its page tables must be the recorded ones. How many groups of the run they were: the last one may be of the child's first
 *  fault. */
export function meetFork(stretch: Stretch, pid: number, run: readonly Group[]): number {
  const parent = parentOf(stretch, pid);
  if (parent === null) {
    endStretch(stretch, `nothing tells who forked process ${pid}`);
    return run.length;
  }
  const { forks } = stretch.checks;
  const held = holdObjects(stretch, parent.mm, run);
  forks.total++;
  let child = -1;
  const lines = linesOf(stretch, forks, { task: parent.task, groups: run }, () => {
    child = fork(stretch, parent, pid);
  });
  for (const object of held) free_object(stretch.observer.k, VMA_CACHE, object);
  if (lines === null) return run.length;
  addChild(stretch, parent, { pid, child });
  const count = leavesLast(stretch, pid, run, lines) ? run.length - 1 : run.length;
  if (compared(stretch, forks, run.slice(0, count), lines)) forks.same++;
  return count;
}

/** Whether the last page table is not the fork's: the child's first fault needs one, which its copy did not get. */
function leavesLast(stretch: Stretch, pid: number, run: readonly Group[], lines: readonly Line[]): boolean {
  const { plan, observer: { k } } = stretch;
  const first = plan.faults.find((fault) => fault.pid === pid)!;
  const child = stretch.processes.get(pid)!;
  const isOne = lines.filter(({ text }) => text.startsWith('A ')).length === run.length - 1;
  if (!isOne || pte_offset_map(k, child.mm, virt(first.address)) !== null) return false;
  claim(plan, first, run.at(-1)!);
  plan.newTables.add(first);
  return true;
}

const VMA_CACHE = 'vm_area_struct';

function fork({ observer: { k } }: Stretch, parent: Process, pid: number): number {
  const child = run_to_end(k, do_fork(k, { name: `${parent.task.comm}.${pid}`, comm: parent.task.comm, program: null }));
  if (child < 0) throw new Error(`do_fork answers ${child}`);
  return child;
}

function addChild(stretch: Stretch, parent: Process, { pid, child }: { pid: number; child: number }): void {
  const task = stretch.observer.k.tasks[child]!;
  stretch.processes.set(pid, { pid, task, mm: mm_of(stretch.observer.k, task.mm), placeholders: parent.placeholders, isNew: true });
}

/** Where the lines show a page for a slab between two page tables, VMAs ran out there: so many objects are held back that they do in the engine. */
function holdObjects(stretch: Stretch, mm: mm_struct, groups: readonly Group[]): VirtAddr[] {
  const { k } = stretch.observer;
  const grown = groups.findIndex(isSlabPage);
  const cachep = find_cache(k, VMA_CACHE);
  if (grown < 0 || cachep === null) return [];
  const copied = vmaOfTable(stretch, mm, groups.slice(0, grown).filter(isTable).length);
  const l3 = cachep.nodelists[0]!;
  const free = cachep.array[0]!.avail + (l3.shared?.avail ?? 0) + l3.free_objects;
  return Array.from({ length: Math.max(0, free - copied) }, () => run_to_end(k, alloc_object(k, VMA_CACHE)));
}

/** Place of the VMA whose copy needs the n-th page table. */
function vmaOfTable({ observer: { k } }: Stretch, mm: mm_struct, n: number): number {
  const spans = new Set<number>();
  for (const [at, vma] of mm_vmas(k, mm).entries()) {
    if (vma.anon_vma === 0) continue;
    for (let span = Math.floor(vma.vm_start / TABLE_SPAN); span * TABLE_SPAN < vma.vm_end; span++) {
      if (pte_offset_map(k, mm, virt(span * TABLE_SPAN)) !== null) spans.add(span);
    }
    if (spans.size > n) return at;
  }
  return mm.mmap.length;
}

/** The process that has the pages which the child's first entries show; the eldest where none shows any. */
function parentOf(stretch: Stretch, pid: number): Process | null {
  const { k } = stretch.observer;
  const shown = stretch.plan.faults.find((fault) => fault.pid === pid && fault.old !== 0);
  const living = [...stretch.processes.values()].sort((a, b) => a.pid - b.pid);
  const owner = shown && living.find(({ mm }) => frameOf(entryAt(k, mm, shown.address)) === frameOf(shown.old));
  return owner ?? living[0] ?? null;
}
