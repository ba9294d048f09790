// The words of the language that start a form, a setting, an option or a statement, and what the architectures have. Plain data: no imports.

/** Top-level forms. */
export const FORMS = ['machine', 'process', 'kernel', 'boot', 'def', 'const', 'import', 'stop', 'expect', 'expects_bug'] as const;

/** Settings of `machine { }`. */
export const SETTINGS = ['arch', 'cpus', 'memory', 'node', 'distance', 'reserve', 'disk', 'file', 'swap', 'sysctl', 'cost', 'hz', 'seed'] as const;

/** Settings of `disk NAME { }`. */
export const DISK_SETTINGS = ['size', 'seek', 'bandwidth', 'fail'] as const;

/** Options of `process NAME … { }`. */
export const PROCESS_OPTIONS = ['at', 'after', 'nice', 'uid', 'oom_adj', 'cpu', 'rlimit_as', 'rlimit_stack', 'dies', 'times'] as const;

/** Options of `kernel NAME … { }`. */
export const KERNEL_OPTIONS = ['at', 'after', 'cpu'] as const;

/** Words that start a statement; `print` is a function, and listed because it reads like one. */
export const STATEMENTS = ['let', 'if', 'while', 'for', 'repeat', 'break', 'continue', 'return', 'touch', 'sleep', 'print', 'expect', 'fork', 'wait', 'exit', 'breakpoint'] as const;

/** Words that name nothing else. */
export const RESERVED = [
  'machine', 'process', 'kernel', 'boot', 'def', 'const', 'import', 'stop', 'expect', 'let', 'if', 'else', 'while', 'for', 'in', 'repeat', 'touch', 'sleep', 'fork',
  'break', 'continue', 'return', 'exit', 'breakpoint', 'true', 'false',
] as const;

export type ArchName = 'i386' | 'x86_64';

/** The zones of a node, lowest first. */
export const ZONES: Readonly<Record<ArchName, readonly string[]>> = {
  i386: ['DMA', 'NORMAL', 'HIGHMEM'],
  x86_64: ['DMA', 'DMA32', 'NORMAL'],
};

/** Limits of settings and options: least and greatest value, both allowed. */
export const RANGES = {
  cpus: [1, 64],
  hz: [1, 10_000],
  nice: [-20, 19],
  oom_adj: [-17, 15],
  uid: [0, 0xffff_fffe],
  times: [1, 10_000],
  node: [0, 63],
  distance: [10, 255],
  priority: [-32768, 32767],
} as const satisfies Record<string, readonly [number, number]>;

/** The most physical memory that an architecture addresses, in bytes: i386 without PAE 4 GiB, x86_64 2^46. */
export const MAX_MEMORY: Readonly<Record<ArchName, number>> = { i386: 2 ** 32, x86_64: 2 ** 46 };

/** What a disk holds, bytes: without a `size` this, or twice what is declared on it; at most 2^32 blocks. */
export const DEFAULT_DISK_SIZE = 2 ** 34;
export const MAX_DISK_SIZE = 2 ** 44;

/** The largest file, MAX_LFS_FILESIZE of i386, bytes; and how many characters a path and a name in it may have. */
export const MAX_FILE_SIZE = 2 ** 43 - 1;
export const PATH_MAX = 4095;
export const NAME_MAX = 255;

/** Tasks that every machine has besides those of the scenario; a digit stands for a CPU or a node. */
export const BUILTIN_TASK = /^(?:init|swapper|pdflush|kthread|kblockd\/\d+|kswapd\d+|events\/\d+|ksoftirqd\/\d+|migration\/\d+)$/;

/** How deep brackets and signs may nest, and `def` calls at run time. */
export const MAX_NESTING = 40;
export const MAX_CALL_DEPTH = 256;
