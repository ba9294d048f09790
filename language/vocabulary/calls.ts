// What may be called, by whom, with which parameters. Each line of a table is the signature as a reader sees it in a hover;
// `signature()` takes it apart once, when the module is loaded. A default is what the call gets when the argument is left
// out; `name?` may be left out without a default (the call then does something else).
import { CONSTANTS } from './constants.ts';

export interface Parameter {
  name: string;
  optional: boolean;
  /** The value of a left-out argument; null where it is required or has no default. */
  default: number | null;
  /** The default as the signature writes it: `PROT_READ | PROT_WRITE`. */
  defaultText: string | null;
}

export interface Callable {
  name: string;
  parameters: readonly Parameter[];
  /** Takes any number of further arguments (`print`, `min`). */
  variadic: boolean;
  /** What a hover shows: `munmap(addr, length)`. */
  signature: string;
  /** One sentence. */
  doc: string;
}

export type CallTable = Readonly<Record<string, Callable>>;

/** Who runs a piece of a scenario; each has a call table of its own. */
export type Context = 'process' | 'kernel' | 'boot';

/** What a process may call: system calls and accesses to its memory. */
export const PROCESS_CALLS: CallTable = table([
  ['mmap(length, prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS, fd = -1, offset = 0, addr = 0)', 'Maps memory or a file; its address, or a negative errno.'],
  ['munmap(addr, length)', 'Removes the mappings in the range; 0, or a negative errno.'],
  ['mremap(addr, old, new, flags = 0, new_addr = 0)', 'Resizes or moves a mapping from `old` to `new` bytes; its address, or a negative errno.'],
  ['mprotect(addr, length, prot)', 'Changes the protection of a range; 0, or a negative errno.'],
  ['madvise(addr, length, advice)', 'Tells how a range will be used (`MADV_…`); 0, or a negative errno.'],
  ['mlock(addr, length)', 'Faults a range in and keeps it in memory; 0, or a negative errno.'],
  ['munlock(addr, length)', 'Undoes `mlock`; 0, or a negative errno.'],
  ['mlockall(flags = MCL_CURRENT | MCL_FUTURE)', 'Locks the whole address space; 0, or a negative errno.'],
  ['msync(addr, length, flags = MS_SYNC)', 'Writes the dirty pages of a shared mapping back; 0, or a negative errno.'],
  ['mincore(addr, length)', 'A list with 1 for each page of a mapped file in the page cache and 0 for each other, or a negative errno: -ENOMEM for anonymous memory.'],
  ['brk(addr)', 'Moves the end of the heap to `addr` (0: leaves it); the end of the heap.'],
  ['sbrk(delta)', 'Moves the end of the heap by `delta` bytes; its old end, or a negative errno.'],
  ['malloc(size)', 'Memory from the C library\'s allocator; its address, or 0.'],
  ['free(ptr)', 'Gives memory from `malloc` back.'],
  ['open(path, flags = O_RDONLY)', 'Opens a file; a descriptor, or a negative errno.'],
  ['close(fd)', 'Closes a descriptor; 0, or a negative errno.'],
  ['read(fd, n, buf = 0)', 'Reads at the file\'s position, into a buffer of the process\'s own when `buf` is 0; how many bytes, or a negative errno.'],
  ['write(fd, n, byte = 0, buf = 0)', 'Writes at the file\'s position, `n` times `byte` when `buf` is 0; how many bytes, or a negative errno.'],
  ['pread(fd, n, off)', 'Reads at `off`; how many bytes, or a negative errno.'],
  ['pwrite(fd, n, off, byte = 0)', 'Writes `byte` `n` times at `off`; how many bytes, or a negative errno.'],
  ['lseek(fd, off, whence = SEEK_SET)', 'Moves the file\'s position; the new one, or a negative errno.'],
  ['ftruncate(fd, n)', 'Cuts or extends a file to `n` bytes; 0, or a negative errno.'],
  ['fsync(fd)', 'Writes a file\'s dirty pages and waits for them; 0, or a negative errno.'],
  ['sync()', 'Writes all dirty pages and waits for them; 0.'],
  ['readahead(fd, off, n)', 'Reads a part of a file into the page cache; 0, or a negative errno.'],
  ['fadvise(fd, off, n, advice)', 'Tells how a file will be used (`POSIX_FADV_…`); 0, or a negative errno.'],
  ['load(addr)', 'Reads the byte at an address.'],
  ['store(addr, byte)', 'Writes a byte to an address.'],
  ['kill(pid, sig)', 'Sends a signal to one process; 0, or a negative errno: -ENOSYS for groups of them, and for signals that would stop it.'],
  ['getpid()', 'The number of the calling process.'],
  ['sched_yield()', 'Lets the other ready tasks run first; 0.'],
  ['sysctl(name, value?)', 'Reads a sysctl, or writes it (root only); its value, or a negative errno.'],
  ['setuid(n)', 'Changes the user; 0, or a negative errno.'],
  ['set_oom_adj(pid, n)', 'Writes /proc/PID/oom_adj: -17 (never killed) to 15; 0, or a negative errno.'],
  ['set_esp(addr)', 'Says where the stack pointer stands, which decides whether the stack may grow.'],
  ['swapon(name)', 'Starts to use a swap area; 0, or a negative errno.'],
  ['swapoff(name)', 'Reads a swap area back in and gives it up; 0, or a negative errno.'],
  ['set_mempolicy(mode, nodes)', 'Sets the task\'s NUMA policy (`MPOL_…`, a list of nodes); 0, or a negative errno.'],
  ['mbind(addr, length, mode, nodes)', 'Sets the NUMA policy of a range; 0, or a negative errno.'],
  ['migrate_pages(pid, from, to)', 'Moves a process\'s pages between nodes; how many could not be moved, or a negative errno.'],
]);

/** What a kernel thread may call. */
export const KERNEL_CALLS: CallTable = table([
  ['alloc_pages(gfp, order)', '2^`order` pages in a row; the first page, or 0.'],
  ['__free_pages(page, order)', 'Gives pages back.'],
  ['free_pages(page, order)', 'Gives pages back (the same as `__free_pages`).'],
  ['get_zeroed_page(gfp)', 'One page of zeroes; its address, or 0.'],
  ['kmalloc(size, gfp = GFP_KERNEL)', 'Memory from the general caches; its address, or 0.'],
  ['kzalloc(size, gfp = GFP_KERNEL)', 'Zeroed memory from the general caches; its address, or 0.'],
  ['kfree(addr)', 'Gives memory from `kmalloc` back.'],
  ['kmem_cache_create(name, size, align = 0, flags = 0)', 'A new slab cache, or 0.'],
  ['kmem_cache_alloc(cache, gfp)', 'An object of a cache; its address, or 0.'],
  ['kmem_cache_free(cache, addr)', 'Gives an object back to its cache.'],
  ['kmem_cache_shrink(cache)', 'Gives a cache\'s free slabs back; 0 when none is left.'],
  ['kmem_cache_destroy(cache)', 'Gives a cache up; 0, or 1 when objects are in use, and then it stays.'],
  ['vmalloc(size)', 'Virtually contiguous memory; its address, or 0.'],
  ['vfree(addr)', 'Gives memory from `vmalloc` back.'],
  ['vmap(pages)', 'Maps a list of pages side by side; the address, or 0.'],
  ['vunmap(addr)', 'Removes a mapping made by `vmap`.'],
  ['kmap(page)', 'Maps a page, of high memory too; its address. May sleep.'],
  ['kunmap(page)', 'Gives the mapping made by `kmap` back.'],
  ['mempool_create_kmalloc_pool(min_nr, size)', 'A pool that keeps `min_nr` pieces of memory in reserve, or 0.'],
  ['mempool_create_page_pool(min_nr, order)', 'A pool that keeps `min_nr` blocks of pages in reserve, or 0.'],
  ['mempool_alloc(pool, gfp)', 'An element of a pool, or 0.'],
  ['mempool_free(elem, pool)', 'Gives an element back to its pool.'],
  ['mempool_destroy(pool)', 'Gives a pool up.'],
  ['sysctl(name, value?)', 'Reads a sysctl, or writes it; its value, or a negative errno.'],
  ['drop_caches(n)', 'Drops clean page cache (1), slab caches (2) or both (3); 0.'],
  ['wakeup_pdflush(n)', 'Starts the writing of `n` dirty pages (0: all) by pdflush; 0, or -1 when none of its threads is free.'],
  ['shrink_all_memory(n)', 'Reclaims `n` pages; how many it freed.'],
  ['load(addr)', 'Reads the byte at a kernel address.'],
  ['store(addr, byte)', 'Writes a byte to a kernel address.'],
]);

/** What `boot { }` may call: the page allocator does not exist yet. */
export const BOOT_CALLS: CallTable = table([
  ['alloc_bootmem(size)', 'Memory before the page allocator exists; its address.'],
  ['alloc_bootmem_low(size)', 'The same, from the first 4 GiB.'],
  ['free_bootmem(addr, size)', 'Gives memory from `alloc_bootmem` back.'],
]);

/** Functions that only look: they may stand in any expression, `expect`, `when`, hovers and watches too. */
export const PURE_CALLS: CallTable = table([
  ['len(list)', 'How many items a list, or characters a string, has.'],
  ['min(a, …)', 'The least of its arguments, or of one list.'],
  ['max(a, …)', 'The greatest of its arguments, or of one list.'],
  ['sum(a, …)', 'The sum of its arguments, or of one list.'],
  ['abs(n)', 'A number without its sign.'],
  ['hex(n)', 'A number in hexadecimal, as a string.'],
  ['page(pfn)', 'The page with a frame number.'],
  ['page_of(addr)', 'The page that an address of the current task is mapped to, or 0.'],
  ['pte(addr)', 'The page table entry of an address of the current task, and the walk that finds it.'],
]);

/** Functions that any task may call, but that no pure expression holds: `random` moves the generator on, `print` prints. */
export const TASK_CALLS: CallTable = table([
  ['random(n)', 'A number from 0 to n - 1, from the machine\'s seed.'],
  ['print(…)', 'Prints its arguments, with a space between them.'],
]);

/** The calls of one context alone. */
export const CONTEXT_CALLS: Readonly<Record<Context, CallTable>> = { process: PROCESS_CALLS, kernel: KERNEL_CALLS, boot: BOOT_CALLS };

/** The built-in function that `name` means to code that runs in `context`. */
export function findCall(name: string, context: Context): Callable | undefined {
  return own(CONTEXT_CALLS[context], name) ?? own(PURE_CALLS, name) ?? own(TASK_CALLS, name);
}

/** The contexts whose tables hold `name`; all three for a function that everyone may call. */
export function contextsOf(name: string): Context[] {
  if (own(PURE_CALLS, name) !== undefined || own(TASK_CALLS, name) !== undefined) return ['process', 'kernel', 'boot'];
  return (['process', 'kernel', 'boot'] as const).filter((context) => own(CONTEXT_CALLS[context], name) !== undefined);
}

/** All names of built-in functions, each once. */
export function callNames(): string[] {
  return [...new Set([PROCESS_CALLS, KERNEL_CALLS, BOOT_CALLS, PURE_CALLS, TASK_CALLS].flatMap((calls) => Object.keys(calls)))];
}

function own(calls: CallTable, name: string): Callable | undefined {
  return Object.hasOwn(calls, name) ? calls[name] : undefined;
}

function table(rows: readonly (readonly [string, string])[]): CallTable {
  return Object.fromEntries(rows.map(([text, doc]) => signature(text, doc)).map((callable) => [callable.name, callable]));
}

function signature(text: string, doc: string): Callable {
  const open = text.indexOf('(');
  const parts = text.slice(open + 1, -1).split(', ').filter((part) => part !== '');
  const parameters = parts.filter((part) => part !== '…').map(parameter);
  return { name: text.slice(0, open), parameters, variadic: parts.includes('…'), signature: text, doc };
}

function parameter(text: string): Parameter {
  const [name = '', defaultText = null] = text.split(' = ');
  if (name.endsWith('?')) return { name: name.slice(0, -1), optional: true, default: null, defaultText: null };
  return { name, optional: defaultText !== null, default: defaultText === null ? null : flags(defaultText), defaultText };
}

function flags(text: string): number {
  return text.split(' | ').reduce((bits, word) => bits | (CONSTANTS[word] ?? Number(word)), 0);
}
