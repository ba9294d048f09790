/** The kinds of objects that the machine hands out, from the tables they stand in. */
import type { Kind } from './kinds.ts';
import { DISK_KINDS } from './objects-disks.ts';
import { FILE_KINDS } from './objects-files.ts';
import { MACHINE_KINDS } from './objects-machine.ts';
import { MEMORY_KINDS } from './objects-memory.ts';
import { MM_KINDS } from './objects-mm.ts';
import { PAGE_KINDS } from './objects-page.ts';
import { PTE_KINDS } from './objects-pte.ts';
import { SLAB_KINDS } from './objects-slab.ts';
import { TASK_KINDS } from './objects-task.ts';
import { ZONE_KINDS } from './objects-zone.ts';

export const ALL_KINDS: readonly (readonly [string, Kind])[] = [
  ...MACHINE_KINDS, ...ZONE_KINDS, ...PAGE_KINDS, ...SLAB_KINDS, ...MEMORY_KINDS, ...TASK_KINDS, ...MM_KINDS, ...PTE_KINDS, ...FILE_KINDS,
  ...DISK_KINDS,
];
