// @nohooks
// What a machine's description holds, as data. What may stand in it, and its defaults, are config.ts's and config-memory.ts's.

import type { DiskConfig } from './include/blkdev.ts';
import type { CostTable } from './kernel.ts';
import type { SysctlName } from './include/sysctl.ts';

export type ZoneName = 'DMA' | 'DMA32' | 'NORMAL' | 'HIGHMEM';

/** One zone of one node, where the scenario says them itself. */
export interface ZoneConfig {
  node: number;
  name: ZoneName;
  bytes: number;
}

/** A task to start: `at` a time (ns), or when every task named in `after` has ended. `body` is the program's own index. */
export interface TaskSpec {
  name: string;
  comm: string;
  kind: 'kernel' | 'user';
  at: number;
  after: string[];
  cpu: number | null;
  nice: number;
  uid: number;
  oom_adj: number;
  /** Limits of a user task in bytes; without them an address space has none and a stack 8 MiB. */
  rlimit_as?: number | null;
  rlimit_stack?: number | null;
  /** Number of the signal that is to end it. */
  dies?: number;
  body: number;
}

/** A file that is there from the start, on a disk; nobody has written it yet (fs/flat.ts). */
export interface FileConfig {
  path: string;
  /** bytes */
  size: number;
  /** Name of its disk. */
  disk: string;
}

export interface MachineConfig {
  arch: 'i386' | 'x86_64';
  cpus: number;
  /** Bytes of RAM; ignored where `zones` says them. */
  memory: number;
  zones: ZoneConfig[];
  /** What the firmware says of the nodes' distances; the others are 10 within a node and 20 between two. */
  distances: { from: number; to: number; value: number }[];
  hz: number;
  seed: number;
  /** In the order they are to be set. */
  sysctl: [SysctlName, number | number[]][];
  /** Changes to the virtual-time table, ns. */
  cost: Partial<CostTable>;
  /** Physical addresses, half open, that the machine never has for use. */
  reserve: { start: number; end: number }[];
  disks: DiskConfig[];
  files: FileConfig[];
  tasks: TaskSpec[];
}
