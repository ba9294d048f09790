// The exception filters: moments that people look for, as far as the engine has them.

import type { DebugProtocol } from '@vscode/debugprotocol';

export interface Filter {
  filter: string;
  label: string;
  description: string;
  isDefault: boolean;
  /** The function whose entry is the moment; null where the run itself says so and the worker stops by the filter's name. */
  target: string | null;
}

export const FILTERS: readonly Filter[] = [
  { filter: 'bug', label: 'Kernel BUG', description: 'The kernel meets a state that cannot be.', isDefault: true, target: 'trace_kernel_bug' },
  { filter: 'failed_expectation', label: 'Failed expectation', description: 'An `expect` of the scenario does not hold.', isDefault: false, target: null },
  { filter: 'allocation_failure', label: 'Allocation failure', description: 'A request for pages gets none.', isDefault: false, target: 'trace_mm_page_alloc_failure' },
  { filter: 'segfault', label: 'Segmentation fault', description: 'A process touches an address that it may not touch.', isDefault: false, target: 'bad_area_nosemaphore' },
  { filter: 'major_fault', label: 'Major fault', description: 'A page fault has to read from a disk.', isDefault: false, target: 'trace_major_fault' },
  { filter: 'writeback', label: 'Write-back', description: 'Dirty pages of a file begin to be written to its disk.', isDefault: false, target: 'mpage_writepages' },
  { filter: 'kswapd_wake', label: 'kswapd is woken', description: 'A zone has fallen below its low watermark.', isDefault: false, target: 'trace_mm_vmscan_wakeup_kswapd' },
];

export function findFilter(name: string): Filter | undefined {
  return FILTERS.find(({ filter }) => filter === name);
}

/** As `initialize` declares them. */
export function filterCapabilities(): DebugProtocol.ExceptionBreakpointsFilter[] {
  return FILTERS.map(({ filter, label, description, isDefault, target }) => ({
    filter, label, description, default: isDefault,
    ...(target === null ? {} : { supportsCondition: true, conditionDescription: 'An expression, as `order > 3`' }),
  }));
}
