// What a random run of file calls is made of: a machine, and steps that processes take, several at once now and then. All of it is data, so that a
// run can be repeated, shortened and written as a scenario.

/** The machine of a run. */
export interface FileSetup {
  cpus: number;
  /** Bytes */
  memory: number;
  /** Per cent of memory, hundredths of a second. */
  dirtyRatio: number;
  backgroundRatio: number;
  writebackCentisecs: number;
  expireCentisecs: number;
  laptopMode: number;
  /** By number; `seek` in ns, `bandwidth` in bytes a second. */
  disks: { blocks: number; seek: number; bandwidth: number }[];
  files: { path: string; size: number; disk: number }[];
  /** Processes at the start. */
  processes: number;
  /** Which events are looked at as if the power were cut there. */
  cutSeed: number;
  /** Whether blocks of disks break. */
  mayBreak: boolean;
}

/** The result of an earlier step: a descriptor, a mapping. */
export interface From {
  of: number;
}

export type FileAction =
  | { name: 'open'; path: string; flags: number }
  | { name: 'close' | 'fsync'; fd: From }
  | { name: 'read'; fd: From; count: number }
  | { name: 'pread'; fd: From; count: number; at: number }
  | { name: 'write'; fd: From; count: number; byte: number }
  | { name: 'pwrite'; fd: From; count: number; byte: number; at: number }
  | { name: 'lseek'; fd: From; offset: number; whence: number }
  | { name: 'ftruncate'; fd: From; length: number }
  | { name: 'fadvise' | 'readahead'; fd: From; at: number; count: number; advice: number }
  | { name: 'mmap'; fd: From; pages: number; first: number; isShared: boolean; isWritable: boolean }
  | { name: 'munmap'; map: From }
  | { name: 'load'; map: From; offset: number }
  | { name: 'store'; map: From; offset: number; byte: number }
  | { name: 'msync'; map: From; first: number; pages: number; flags: number }
  | { name: 'madvise'; map: From; first: number; pages: number; advice: number }
  | { name: 'fork'; seat: number }
  | { name: 'exit' | 'sync' }
  | { name: 'drop_caches'; value: number }
  | { name: 'sleep'; ms: number }
  | { name: 'break'; path: string; page: number; mode: 'read' | 'write' | 'both' }
  | { name: 'heal' };

export interface FileStep {
  id: number;
  seat: number;
  action: FileAction;
}

/** Steps that begin together, of different processes. */
export type Round = FileStep[];

/** Seats for processes. */
export const SEATS = 4;
/** The most bytes of one read or write: the buffer of a process. */
export const MOST_BYTES = 128 * 1024;

export const MS = { ASYNC: 1, INVALIDATE: 2, SYNC: 4 } as const;
export const MADV = { NORMAL: 0, RANDOM: 1, SEQUENTIAL: 2, WILLNEED: 3, DONTNEED: 4 } as const;
export const FADV = { NORMAL: 0, RANDOM: 1, SEQUENTIAL: 2, WILLNEED: 3, DONTNEED: 4, NOREUSE: 5 } as const;

/** What a step came to: what the call returned, the bytes that a read found, the signal that its process died of; and of a file that was written to,
 *  how long it is and where it stands: an O_SYNC write that fails does not tell how far it came. */
export interface FileOutcome {
  result: number;
  bytes: Uint8Array | null;
  signal: number;
  size: number;
  position: number;
}
