// What `stop on EVENT` may name besides kernel functions and tracepoints: short names for moments that people look for. Plain data: no imports.

export interface EventAlias {
  /** The kernel function or tracepoint whose passing is meant. */
  target: string;
  kind: 'function' | 'tracepoint';
  doc: string;
}

export const EVENT_ALIASES: Readonly<Record<string, EventAlias>> = {
  oom: { target: 'out_of_memory', kind: 'function', doc: 'Memory has run out and a process is about to be chosen.' },
  allocation_failure: { target: 'mm_page_alloc_failure', kind: 'tracepoint', doc: 'An allocation fails.' },
  direct_reclaim: { target: 'mm_vmscan_direct_reclaim_begin', kind: 'tracepoint', doc: 'An allocating task starts to reclaim memory itself.' },
  segfault: { target: 'bad_area_nosemaphore', kind: 'function', doc: 'A process touches an address that it may not touch.' },
  major_fault: { target: 'major_fault', kind: 'tracepoint', doc: 'A page fault has to read from a disk.' },
  kswapd_wake: { target: 'mm_vmscan_wakeup_kswapd', kind: 'tracepoint', doc: 'A zone has fallen below its low watermark and kswapd is asked to work.' },
  writeback: { target: 'mpage_writepages', kind: 'function', doc: 'Dirty pages of a file begin to be written to its disk.' },
  bug: { target: 'kernel_bug', kind: 'tracepoint', doc: 'The kernel has met a state that cannot be.' },
};
