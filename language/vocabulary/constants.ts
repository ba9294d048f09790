// The constants that a scenario may name, with the values they have in Linux 2.6.18 on i386. Plain data: no imports.
// Source: include/asm-i386/{errno,mman,fcntl,signal}.h, include/linux/{gfp,slab,mempolicy,fadvise,oom}.h; KERNEL.md G-1 and G-2 for gfp.

/** Error numbers. A failing call returns the negative one: `-ENOMEM`. */
export const ERRNO: Readonly<Record<string, number>> = {
  EPERM: 1, ENOENT: 2, ESRCH: 3, EINTR: 4, EIO: 5, ENXIO: 6, E2BIG: 7, ENOEXEC: 8, EBADF: 9, ECHILD: 10, EAGAIN: 11, EWOULDBLOCK: 11, ENOMEM: 12,
  EACCES: 13, EFAULT: 14, ENOTBLK: 15, EBUSY: 16, EEXIST: 17, EXDEV: 18, ENODEV: 19, ENOTDIR: 20, EISDIR: 21, EINVAL: 22, ENFILE: 23, EMFILE: 24,
  ENOTTY: 25, ETXTBSY: 26, EFBIG: 27, ENOSPC: 28, ESPIPE: 29, EROFS: 30, EMLINK: 31, EPIPE: 32, EDOM: 33, ERANGE: 34, EDEADLK: 35,
  ENAMETOOLONG: 36, ENOLCK: 37, ENOSYS: 38, ENOTEMPTY: 39, ELOOP: 40, EOVERFLOW: 75, EOPNOTSUPP: 95,
};

/** Arguments of mmap, mprotect, mremap, msync, mlockall and madvise. */
export const MEMORY: Readonly<Record<string, number>> = {
  PROT_NONE: 0, PROT_READ: 1, PROT_WRITE: 2, PROT_EXEC: 4, PROT_SEM: 8, PROT_GROWSDOWN: 0x0100_0000, PROT_GROWSUP: 0x0200_0000,
  MAP_SHARED: 0x01, MAP_PRIVATE: 0x02, MAP_TYPE: 0x0f, MAP_FIXED: 0x10, MAP_ANONYMOUS: 0x20, MAP_ANON: 0x20, MAP_32BIT: 0x40,
  MAP_GROWSDOWN: 0x100, MAP_DENYWRITE: 0x800, MAP_EXECUTABLE: 0x1000, MAP_LOCKED: 0x2000, MAP_NORESERVE: 0x4000, MAP_POPULATE: 0x8000,
  MAP_NONBLOCK: 0x1_0000,
  MREMAP_MAYMOVE: 1, MREMAP_FIXED: 2,
  MS_ASYNC: 1, MS_INVALIDATE: 2, MS_SYNC: 4,
  MCL_CURRENT: 1, MCL_FUTURE: 2,
  MADV_NORMAL: 0, MADV_RANDOM: 1, MADV_SEQUENTIAL: 2, MADV_WILLNEED: 3, MADV_DONTNEED: 4, MADV_REMOVE: 9, MADV_DONTFORK: 10, MADV_DOFORK: 11,
};

/** Arguments of open, lseek and fadvise. */
export const FILES: Readonly<Record<string, number>> = {
  O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_ACCMODE: 3, O_CREAT: 0o100, O_EXCL: 0o200, O_NOCTTY: 0o400, O_TRUNC: 0o1000, O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000, O_SYNC: 0o1_0000, O_DIRECT: 0o4_0000, O_LARGEFILE: 0o10_0000, O_DIRECTORY: 0o20_0000, O_NOFOLLOW: 0o40_0000,
  O_NOATIME: 0o100_0000,
  SEEK_SET: 0, SEEK_CUR: 1, SEEK_END: 2,
  POSIX_FADV_NORMAL: 0, POSIX_FADV_RANDOM: 1, POSIX_FADV_SEQUENTIAL: 2, POSIX_FADV_WILLNEED: 3, POSIX_FADV_DONTNEED: 4, POSIX_FADV_NOREUSE: 5,
};

/** Signals, and the value of oom_adj that exempts a process. */
export const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGILL: 4, SIGTRAP: 5, SIGABRT: 6, SIGBUS: 7, SIGFPE: 8, SIGKILL: 9, SIGUSR1: 10, SIGSEGV: 11, SIGUSR2: 12,
  SIGPIPE: 13, SIGALRM: 14, SIGTERM: 15, SIGSTKFLT: 16, SIGCHLD: 17, SIGCONT: 18, SIGSTOP: 19, SIGTSTP: 20, SIGTTIN: 21, SIGTTOU: 22, SIGURG: 23,
  SIGXCPU: 24, SIGXFSZ: 25, SIGVTALRM: 26, SIGPROF: 27, SIGWINCH: 28, SIGIO: 29, SIGPWR: 30, SIGSYS: 31,
};

/** Allocation flags (KERNEL.md G-1, G-2). */
export const GFP: Readonly<Record<string, number>> = {
  __GFP_DMA: 0x01, __GFP_HIGHMEM: 0x02, __GFP_DMA32: 0x00, __GFP_WAIT: 0x10, __GFP_HIGH: 0x20, __GFP_IO: 0x40, __GFP_FS: 0x80, __GFP_COLD: 0x100,
  __GFP_NOWARN: 0x200, __GFP_REPEAT: 0x400, __GFP_NOFAIL: 0x800, __GFP_NORETRY: 0x1000, __GFP_NO_GROW: 0x2000, __GFP_COMP: 0x4000,
  __GFP_ZERO: 0x8000, __GFP_NOMEMALLOC: 0x1_0000, __GFP_HARDWALL: 0x2_0000,
  GFP_NOWAIT: 0, GFP_ATOMIC: 0x20, GFP_NOIO: 0x10, GFP_NOFS: 0x50, GFP_KERNEL: 0xd0, GFP_USER: 0x2_00d0, GFP_HIGHUSER: 0x2_00d2,
  GFP_DMA: 0x01, GFP_DMA32: 0x00,
};

/** Flags of kmem_cache_create. */
export const SLAB: Readonly<Record<string, number>> = {
  SLAB_DEBUG_FREE: 0x100, SLAB_DEBUG_INITIAL: 0x200, SLAB_RED_ZONE: 0x400, SLAB_POISON: 0x800, SLAB_HWCACHE_ALIGN: 0x2000, SLAB_CACHE_DMA: 0x4000,
  SLAB_MUST_HWCACHE_ALIGN: 0x8000, SLAB_STORE_USER: 0x1_0000, SLAB_RECLAIM_ACCOUNT: 0x2_0000, SLAB_PANIC: 0x4_0000, SLAB_DESTROY_BY_RCU: 0x8_0000,
  SLAB_MEM_SPREAD: 0x10_0000,
};

/** NUMA policies, and the exemption from the OOM killer. */
export const POLICY: Readonly<Record<string, number>> = {
  MPOL_DEFAULT: 0, MPOL_PREFERRED: 1, MPOL_BIND: 2, MPOL_INTERLEAVE: 3, MPOL_F_NODE: 1, MPOL_F_ADDR: 2,
  MPOL_MF_STRICT: 1, MPOL_MF_MOVE: 2, MPOL_MF_MOVE_ALL: 4,
  OOM_DISABLE: -17,
};

/** Every constant by name. On x86_64 one differs: see {@link constantValue}. */
export const CONSTANTS: Readonly<Record<string, number>> = { ...ERRNO, ...MEMORY, ...FILES, ...SIGNALS, ...GFP, ...SLAB, ...POLICY };

/** The constants whose value on x86_64 differs from i386 (KERNEL.md X-15: `__GFP_DMA32` is 4 there). */
export const X86_64_CONSTANTS: Readonly<Record<string, number>> = { __GFP_DMA32: 4, GFP_DMA32: 4 };

/** The value of the constant `name` on `arch`, or undefined when there is none of that name. */
export function constantValue(name: string, arch: 'i386' | 'x86_64' = 'i386'): number | undefined {
  if (arch === 'x86_64' && Object.hasOwn(X86_64_CONSTANTS, name)) return X86_64_CONSTANTS[name];
  return Object.hasOwn(CONSTANTS, name) ? CONSTANTS[name] : undefined;
}
