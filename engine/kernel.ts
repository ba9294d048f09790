// @nohooks
// All state of one emulated machine, as plain data: records with the kernel's field names and typed-array columns, nothing else.
// No class instance, closure or module state belongs here, so that a checkpoint is a copy (DESIGN.md, decision 1).

import type { Pfn, PhysAddr } from './include/types.ts';
import type { pg_data_t } from './include/mmzone.ts';
import type { task_struct } from './include/sched.ts';
import type { SlabAllocator } from './include/slab.ts';
import type { SysctlName } from './include/sysctl.ts';
import type { vm_struct } from './include/vmalloc.ts';
import type { BlockLayer } from './include/blkdev.ts';
import type { buffer_head } from './include/buffer_head.ts';
import type { super_block } from './include/fs.ts';
import type { Highmem } from './include/highmem.ts';
import type { mempool_t } from './include/mempool.ts';
import type { anon_vma, file, inode, mm_struct, tlb, vm_area_struct } from './include/mm_types.ts';
import type { pagevec } from './include/pagevec.ts';
import type { radix_tree_preload } from './include/radix-tree.ts';
import type { Writeback } from './include/writeback.ts';

/** struct page as columns, one entry a frame; only mm/mem_map.ts touches them. List heads lie past the last frame. */
export interface MemMap {
  nr_pages: number;
  nr_heads: number;
  flags: Uint32Array;
  _count: Int32Array;
  _mapcount: Int32Array;
  private: Uint32Array;
  mapping: Uint32Array;
  /** Page numbers of addresses of x86_64 need more than 32 bits. */
  index: Float64Array;
  lru_next: Int32Array;
  lru_prev: Int32Array;
}

/** What frames hold (mm/contents.ts). */
export interface Contents {
  content: Uint32Array;
  pool: Uint8Array;
  /** The pool's bytes again, as little-endian words. */
  words: Uint32Array;
  free_slots: number[];
  nr_slots: number;
}

/** A boot allocator's state (mm/bootmem.c); its bitmap has one byte a page, from node_boot_start on, 1 = reserved. */
export interface bootmem_data {
  nid: number;
  node_boot_start: PhysAddr;
  node_low_pfn: Pfn;
  /** Where the real kernel keeps the bitmap; its own pages are freed last. */
  node_bootmem_map_phys: PhysAddr;
  node_bootmem_map: Uint8Array;
  /** Where the last allocation ended in its page, that page's place in the bitmap, and where the last search ended, bytes from node_boot_start. */
  last_offset: number;
  last_pos: number;
  last_success: number;
  /** That of the next node, by ascending addresses (bdata_list). */
  next: bootmem_data | null;
}

/** One processor: its clock, what runs on it and what waits for it. */
export interface cpu_rq {
  /** Virtual time of this CPU, ns. */
  now: number;
  /** pid that holds the CPU, or -1. */
  curr: number;
  /** pid that ran last: another one costs a context switch. */
  prev: number;
  /** pids ready to run, first is next. */
  queue: number[];
}

export interface timer_list {
  /** ns */
  expires: number;
  /** Order of two timers that expire together. */
  seq: number;
  pid: number;
  /** Non-zero: the task will only look again at what others must change (schedule_timeout_retry). */
  retry: number;
}

export interface Sched {
  cpus: cpu_rq[];
  timers: timer_list[];
  timer_seq: number;
  /** Sleeps that only wait to look again, in a row, nothing else having run; when the first began, ns; who began the last in this turn, or -1. */
  retries: number;
  retry_since: number;
  retry_pid: number;
  /** When the machine itself has something to do between two tasks: a disk, a kernel timer, cache_reap; ns, Infinity is never. */
  background: number;
  /** Tasks whose end a run waits for: all that have not ended, without the kernel's own threads. */
  nr_live: number;
  /** Events of all kinds that were passed when something last happened that a sleeper may have waited for (see schedule_timeout_retry). */
  progress: number;
  /** Virtual time at which another CPU or a timer must be looked at, ns; cond_resched yields past it. */
  horizon: number;
  /** Pids of the tasks that are there, as tasks_there last saw them, and how many tasks of k.tasks it has looked at. */
  there: number[];
  seen: number;
}

/** The kernel log: the last lines, and the number of all there ever were. */
export interface KernelLog {
  seq: number;
  lines: LogLine[];
  /** printk_ratelimit's bucket, jiffies: what is in it, when it was last filled, how many messages were held back since. */
  ratelimit: { toks: number; last_msg: number; missed: number };
}

/** What the next passes of reclaim report and give back, and whose pages the next OOM kills free: stands in for mm/vmscan.c and mm/oom_kill.c while
 *  these are not modelled. Empty on every machine but a test's. */
export interface ReclaimScript {
  passes: { nr_reclaimed: number; pages: Pfn[] }[];
  kills: Pfn[][];
}

export interface LogLine {
  /** Virtual time, ns. */
  time: number;
  text: string;
}

/** Recorded tracepoint hits: columns of a ring, `seq` records ever written. */
export interface TraceRing {
  capacity: number;
  seq: number;
  id: Uint16Array;
  cpu: Uint8Array;
  pid: Int32Array;
  time: Float64Array;
  args: Float64Array;
}

export interface Trace {
  /** How often each tracepoint was passed, by id. */
  counts: Float64Array;
  /** Events of all kinds so far: what an event limit counts. */
  total: number;
  /** Non-zero: the tracepoint of that id is recorded in the ring. */
  enabled: Uint8Array;
  ring: TraceRing;
}

/** The virtual-time table of the scenario language, ns (LANGUAGE.md, Virtual time). */
export interface CostTable {
  statement: number;
  access: number;
  syscall: number;
  alloc: number;
  buddy: number;
  slab: number;
  copy: number;
  fault: number;
  zero_page: number;
  copy_page: number;
  pte: number;
  scan: number;
  context_switch: number;
  quantum: number;
}

/** Sysctls the engine reads, under their names in /proc/sys/vm. */
export interface Sysctl {
  min_free_kbytes: number;
  lowmem_reserve_ratio: number[];
  percpu_pagelist_fraction: number;
  overcommit_memory: number;
  overcommit_ratio: number;
  /** Bits: 1 on, 2 may write, 4 may swap, 8 slab (N-21); the boot sets it where a node is far. */
  zone_reclaim_mode: number;
  min_unmapped_ratio: number;
  max_map_count: number;
  legacy_va_layout: number;
  /** kernel.randomize_va_space */
  randomize_va_space: number;
  /** Per cent of memory, with what the boot makes of them (WB-2). */
  dirty_background_ratio: number;
  vm_dirty_ratio: number;
  /** Hundredths of a second. */
  dirty_writeback_centisecs: number;
  dirty_expire_centisecs: number;
  /** Seconds after the last I/O that laptop mode writes everything; 0: off. */
  laptop_mode: number;
  /** What was last written to it; it drops nothing by itself. */
  drop_caches: number;
  vfs_cache_pressure: number;
  block_dump: number;
}

/** Timers of the kernel that call a function (struct timer_list): when each is due, ns; Infinity is never. */
export interface KernelTimers {
  wb_timer: number;
  laptop_mode_wb_timer: number;
}

/** What the machine is made of: fixed at boot. */
export interface Platform {
  arch: 'i386' | 'x86_64';
  /** 1 on a kernel that is built for several nodes (CONFIG_NUMA): any machine that has them. */
  numa: number;
  nr_cpus: number;
  hz: number;
  seed: number;
  /** Usable RAM as the firmware reports it, ascending (e820 type 1). */
  e820: { start: PhysAddr; end: PhysAddr }[];
  /** What else the firmware reports, never for use: ROM and the like (e820 type 2). */
  e820_reserved: { start: PhysAddr; end: PhysAddr }[];
  /** Memory of each node, ascending: its first frame, and the first past its last (SRAT). A machine without nodes has one, of all frames. */
  nodes: { start: Pfn; end: Pfn }[];
  /** distances[from][to] as the firmware says it, or empty (SLIT; N-6). */
  distances: number[][];
  cpu_to_node: number[];
  /** First frame past the DMA zone, past low memory, past all memory. */
  dma_pfn: Pfn;
  max_low_pfn: Pfn;
  max_pfn: Pfn;
  /** Sysctls to set at the end of boot, in order. */
  boot_sysctls: [SysctlName, number | number[]][];
}

/** A record a program left: what it printed, what it expected, what went wrong. */
export interface ProgramRecord {
  kind: 'print' | 'expect' | 'error';
  text: string;
  /** The program's statement, or -1. */
  statement: number;
  ok: boolean;
  time: number;
  task: string;
}

export interface Kernel {
  platform: Platform;
  /** Virtual time of the running CPU, ns since power on. */
  now: number;
  /** The running CPU and the running task's pid (0: the idle task, which also boots). */
  cpu: number;
  current: number;
  sched: Sched;
  tasks: task_struct[];
  /** Whether user and kernel tasks run yet (system_state). */
  system_running: number;
  mem_map: MemMap;
  contents: Contents;
  nodes: pg_data_t[];
  bootmem: bootmem_data | null;
  totalram_pages: number;
  totalhigh_pages: number;
  totalreserve_pages: number;
  vm_total_pages: number;
  /** Low pages that the boot of x86_64 reserved, which its DMA zone does not count as present. */
  dma_reserve: number;
  /** How often each node was chosen as a fallback; spreads first fallbacks over the nodes (N-8). */
  node_load: number[];
  /** Caches, slabs and objects (mm/slab.ts). */
  slab: SlabAllocator;
  /** Event counters by vm_event_item, one array a CPU. */
  vm_event_states: number[][];
  sysctl: Sysctl;
  cost: CostTable;
  log: KernelLog;
  reclaim_script: ReclaimScript;
  /** The kernel's own address space: where its top page table lies (arch/pgtable.ts). */
  init_mm: { pgd: PhysAddr };
  /** Areas of vmalloc space, ascending (mm/vmalloc.ts). */
  vmlist: vm_struct[];
  highmem: Highmem;
  /** Address spaces, VMAs, anon_vmas, open files and inodes by id; entry 0 is none, null one that is gone. */
  mm_structs: (mm_struct | null)[];
  vmas: (vm_area_struct | null)[];
  anon_vmas: (anon_vma | null)[];
  files: (file | null)[];
  inodes: (inode | null)[];
  /** Ids of those that are gone, to be used again. */
  free_ids: { mm_structs: number[]; vmas: number[]; anon_vmas: number[]; files: number[]; inodes: number[]; buffer_heads: number[] };
  /** Pages that are promised, over all address spaces (vm_committed_space). */
  vm_committed_space: number;
  /** By CPU, on a machine with several: pages promised or given back there that vm_committed_space does not count yet (L-11). */
  committed_space: number[];
  /** State of the numbers that look random (kernel/random.ts), 32 bits. */
  random_state: number;
  /** The page of zeroes that reads of untouched memory see (empty_zero_page). */
  zero_page: Pfn;
  /** By CPU. */
  tlbs: tlb[];
  /** Pages on their way to the LRU lists, by CPU: for the inactive list and for the active one. */
  lru_add_pvecs: pagevec[];
  lru_add_active_pvecs: pagevec[];
  /** By id; null for one that was destroyed. */
  mempools: (mempool_t | null)[];
  /** Disks and their queues (block/genhd.ts), and the file system of each, by the same id. */
  block: BlockLayer;
  super_blocks: super_block[];
  /** inode numbers by path: every name there is. */
  dcache: Map<string, number>;
  /** By id, as the records above; entry 0 is none. */
  buffer_heads: (buffer_head | null)[];
  /** By CPU. */
  radix_tree_preloads: radix_tree_preload[];
  writeback: Writeback;
  timers: KernelTimers;
  trace: Trace;
  /** What the scenario printed and expected so far. */
  program_output: ProgramRecord[];
  /** Non-zero after a run must end at once: the scenario failed beyond repair (see ProgramRecord 'error'). */
  halted: number;
}
