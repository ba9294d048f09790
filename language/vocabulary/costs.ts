// What each act costs in virtual time: the table of LANGUAGE.md, by the names that a `cost` setting uses. Plain data: no imports.

export interface Cost {
  /** Nanoseconds. */
  default: number;
  doc: string;
}

export const COSTS: Readonly<Record<string, Cost>> = {
  statement: { default: 100, doc: 'Each executed statement of the scenario.' },
  access: { default: 10, doc: 'A load, store or touch that hits.' },
  syscall: { default: 500, doc: 'Entry and exit of a system call.' },
  alloc: { default: 150, doc: 'A page from a per-CPU list.' },
  buddy: { default: 60, doc: 'Each split or merge of the buddy allocator.' },
  slab: { default: 80, doc: 'An object from or to a per-CPU array.' },
  copy: { default: 250, doc: 'Each KiB between user memory and the page cache.' },
  fault: { default: 1000, doc: 'Entry and exit of a page fault.' },
  zero_page: { default: 700, doc: 'Filling a page with zeroes.' },
  copy_page: { default: 1000, doc: 'Copying a page.' },
  pte: { default: 50, doc: 'Setting, clearing or testing a page table entry.' },
  scan: { default: 200, doc: 'A page looked at by reclaim.' },
  context_switch: { default: 3000, doc: 'A switch from one task to another.' },
  quantum: { default: 100_000_000, doc: 'How long a task of nice 0 runs before the next one of equal priority.' },
};

/** What a disk has unless its block says otherwise: nanoseconds for a seek, bytes a second. */
export const DISK_DEFAULTS = { seek: 8_000_000, bandwidth: 60 * 1024 * 1024 } as const;
