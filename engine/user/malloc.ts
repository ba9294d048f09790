// malloc and free of the C library, as code of the process itself: it knows nothing but what stands in the process's memory, reads and writes it by
// accesses that may fault, and asks the kernel by brk, mmap and munmap. So a fork copies it with everything else, and an overrun of the program
// breaks it as it breaks the real one. The layout is that of glibc 2.4, the search simpler: one list of free chunks, the first that is large enough.
//
//   start_brk                                                     the break
//   | arena | chunk in use | free chunk | chunk in use | … | top  |               top: what malloc has of the heap and has not given out
//
//   arena   magic │ top │ fd │ bk             the head of the ring of free chunks, in the shape of one: `top` is the last chunk's address
//
//   chunk ─►  prev_size     size of the chunk before, while that one is free     ─┐ the boundary tags: from a chunk both of its neighbours
//             size │ marks  its own, a multiple of two words                     ─┘ are found without a search
//   ptr ──►   the caller's bytes … up to and with the next chunk's prev_size, which nobody reads while this chunk is in use
//             of a free chunk: fd, the next one in the ring │ bk, the one before
//
//   marks   1 PREV_INUSE: the chunk before is in use    2 IS_MMAPPED: the chunk is a mapping of its own
//
// No two free chunks lie side by side, and none beside top: free joins them. From 128 KiB on a chunk has a mapping of its own; top grows by what is
// needed and 128 KiB more, and gives back what exceeds that. A pointer that cannot be right ends the process by SIGABRT with glibc's own words.
//
// Where the heap cannot grow a chunk has a mapping of its own too, whatever its size; and where the program has moved the break before its first
// malloc, the heap is the program's. Left out: fast bins and bins by size, arenas of threads, calloc and realloc, the backtrace that glibc prints.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { VirtAddr } from '../include/types.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE } from '../include/mman.ts';
import { SIGABRT, SI_TKILL } from '../include/signal.ts';
import { PAGE_SIZE, virt } from '../include/types.ts';
import { task_size } from '../arch/address.ts';
import { charge, current_task } from '../kernel/sched.ts';
import { force_sig_info, signal_pending } from '../kernel/signal.ts';
import { sys_mmap2, sys_munmap, sys_sbrk } from '../mm/mmap.ts';
import { current_mm } from '../mm/mm_struct.ts';
import { PAGE_ALIGN } from '../mm/pte_range.ts';
import { show_pointer } from '../mm/slab_lists.ts';
import { load_word, store_word, word_size } from './word.ts';

const KiB = 1024;
/** Chunks of this size and above have a mapping of their own (M_MMAP_THRESHOLD). */
const MMAP_THRESHOLD = 128 * KiB;
/** What top is given beyond what is asked for (M_TOP_PAD), and how large it may be before the heap shrinks (M_TRIM_THRESHOLD). */
const TOP_PAD = 128 * KiB;
const TRIM_THRESHOLD = 128 * KiB;

const PREV_INUSE = 1;
const IS_MMAPPED = 2;
const MARKS = 7;
/** First word of an arena: `main` in ASCII. */
const ARENA_MAGIC = 0x6e69616d;

/** `size` bytes for the program, at a multiple of two words; 0 where there is no memory for them, or the task is to die. */
export function* malloc(k: Kernel, size: number): Generator<Wait, number, void> {
  const nb = request2size(k, size);
  if (nb > task_size(k)) return 0;
  if (nb >= MMAP_THRESHOLD) {
    const mapped = yield* mmap_chunk(k, nb);
    if (mapped !== 0) return chunk2mem(k, mapped);
  }
  const arena = yield* find_arena(k);
  let chunk = 0;
  if (arena !== 0) chunk = yield* take_from_heap(k, arena, nb);
  else if (!heap_is_foreign(k)) chunk = yield* begin_heap(k, nb);
  if (chunk === 0 && !dies(k)) chunk = yield* mmap_chunk(k, nb);
  return chunk === 0 || dies(k) ? 0 : chunk2mem(k, chunk);
}

/** Takes back what malloc gave; 0 is nothing. Always 0. A pointer that malloc did not give, or that was freed, aborts where that shows. */
export function* free(k: Kernel, ptr: number): Generator<Wait, number, void> {
  if (ptr === 0) return 0;
  if (ptr % (2 * word_size(k)) !== 0) return abort(k, 'free(): invalid pointer', ptr);
  const chunk = ptr - 2 * word_size(k);
  const head = yield* load_word(k, size_of(k, chunk));
  if (dies(k)) return 0;
  if ((head & IS_MMAPPED) !== 0) yield* munmap_chunk(k, chunk, head);
  else yield* free_to_heap(k, chunk, head);
  return 0;
}

// ---- sizes and places -------------------------------------------------------------------------------------------------

/** Size of the chunk for a request: a word more than asked for, a multiple of two words, and room for the links of a free one. */
function request2size(k: Kernel, size: number): number {
  const word = word_size(k);
  return Math.max(min_size(k), Math.ceil((size + word) / (2 * word)) * 2 * word);
}

/** Smallest chunk: both tags, both links. */
function min_size(k: Kernel): number {
  return 4 * word_size(k);
}

function chunk2mem(k: Kernel, chunk: number): number {
  return chunk + 2 * word_size(k);
}

/** Addresses of a chunk's words, and of the arena's, which has `top` for a size. */
function size_of(k: Kernel, chunk: number): VirtAddr {
  return virt(chunk + word_size(k));
}

function fd_of(k: Kernel, chunk: number): VirtAddr {
  return virt(chunk + 2 * word_size(k));
}

function bk_of(k: Kernel, chunk: number): VirtAddr {
  return virt(chunk + 3 * word_size(k));
}

/** A chunk's size without its marks. */
function chunksize(head: number): number {
  return head - (head & MARKS);
}

/** Whether the process is about to end: nothing more is to be done in it. */
function dies(k: Kernel): boolean {
  return signal_pending(current_task(k));
}

// ---- the arena and its end --------------------------------------------------------------------------------------------

/** Address of the arena, or 0 where there is none. */
function* find_arena(k: Kernel): Generator<Wait, number, void> {
  const { start_brk, brk } = current_mm(k)!;
  if (brk < start_brk + min_size(k)) return 0;
  const magic = yield* load_word(k, start_brk);
  return magic === ARENA_MAGIC ? start_brk : 0;
}

/** Whether the program uses the heap for itself: there is one, and no arena in it. */
function heap_is_foreign(k: Kernel): boolean {
  const { start_brk, brk } = current_mm(k)!;
  return brk !== start_brk;
}

/** The first malloc: a heap with an arena, one chunk and top. The chunk, or 0 where the break does not move. */
function* begin_heap(k: Kernel, nb: number): Generator<Wait, number, void> {
  const arena = current_mm(k)!.start_brk;
  const size = PAGE_ALIGN(k, min_size(k) + nb + TOP_PAD + min_size(k));
  const moved = yield* move_break(k, size);
  if (!moved) return 0;
  const top = arena + min_size(k);
  yield* store_word(k, arena, ARENA_MAGIC);
  yield* store_word(k, fd_of(k, arena), arena);
  yield* store_word(k, bk_of(k, arena), arena);
  yield* set_top(k, arena, top, size - min_size(k));
  const chunk = yield* split_top(k, arena, nb);
  return chunk;
}

/** Asks the kernel to move the break by so many bytes: whether it did. */
function* move_break(k: Kernel, bytes: number): Generator<Wait, boolean, void> {
  charge(k, k.cost.syscall);
  const old = yield* sys_sbrk(k, bytes);
  return old >= 0;
}

/** Top begins at a chunk from now on, and has that size. What lies before it is in use. */
function* set_top(k: Kernel, arena: number, top: number, size: number): Generator<Wait, void, void> {
  yield* store_word(k, size_of(k, arena), top);
  yield* store_word(k, size_of(k, top), size + PREV_INUSE);
}

/** A chunk from the beginning of top; 0 where top is too small, of which a chunk must always be left. */
function* split_top(k: Kernel, arena: number, nb: number): Generator<Wait, number, void> {
  const top = yield* load_word(k, size_of(k, arena));
  const head = yield* load_word(k, size_of(k, top));
  const size = chunksize(head);
  if (size < nb + min_size(k)) return 0;
  yield* set_top(k, arena, top + nb, size - nb);
  yield* store_word(k, size_of(k, top), nb + PREV_INUSE);
  return top;
}

/** Makes top large enough for a chunk: whether it is. Where the program has moved the break since, the heap ends where it does. */
function* grow_top(k: Kernel, arena: number, nb: number): Generator<Wait, boolean, void> {
  const top = yield* load_word(k, size_of(k, arena));
  const head = yield* load_word(k, size_of(k, top));
  const size = chunksize(head);
  if (dies(k) || current_mm(k)!.brk !== top + size) return false;
  const more = PAGE_ALIGN(k, nb + TOP_PAD + min_size(k) - size);
  const moved = yield* move_break(k, more);
  if (moved) yield* set_top(k, arena, top, size + more);
  return moved;
}

/** Gives back to the kernel what top has beyond its pad (systrim). */
function* trim_top(k: Kernel, top: number, size: number): Generator<Wait, void, void> {
  const extra = PAGE_ALIGN(k, size - TOP_PAD - min_size(k)) - PAGE_SIZE;
  if (extra <= 0 || current_mm(k)!.brk !== top + size) return;
  const moved = yield* move_break(k, -extra);
  if (moved) yield* store_word(k, size_of(k, top), size - extra + PREV_INUSE);
}

// ---- chunks of the heap -----------------------------------------------------------------------------------------------

/** A chunk from the ring, from top, or from a larger top; 0 where the heap has none and cannot grow. */
function* take_from_heap(k: Kernel, arena: number, nb: number): Generator<Wait, number, void> {
  let chunk = yield* take_free_chunk(k, arena, nb);
  if (chunk === 0 && !dies(k)) chunk = yield* split_top(k, arena, nb);
  if (chunk !== 0 || dies(k)) return chunk;
  const grown = yield* grow_top(k, arena, nb);
  if (grown) chunk = yield* split_top(k, arena, nb);
  return chunk;
}

/** The first free chunk that is large enough, out of the ring; what is left of it goes back into it. 0 where there is none. */
function* take_free_chunk(k: Kernel, arena: number, nb: number): Generator<Wait, number, void> {
  const top = yield* load_word(k, size_of(k, arena));
  let before = arena;
  let chunk = yield* load_word(k, fd_of(k, arena));
  while (chunk !== arena && !dies(k)) {
    const head = yield* load_word(k, size_of(k, chunk));
    const bk = yield* load_word(k, bk_of(k, chunk));
    if (dies(k)) return 0;
    const size = chunksize(head);
    if (bk !== before || size < min_size(k) || chunk + size > top) return abort(k, 'malloc(): memory corruption', chunk2mem(k, chunk));
    if (size >= nb) {
      yield* unlink(k, chunk);
      yield* use_free_chunk(k, arena, { chunk, size, nb });
      return chunk;
    }
    before = chunk;
    chunk = yield* load_word(k, fd_of(k, chunk));
  }
  return 0;
}

/** Marks a chunk that is out of the ring as in use; what it has too much becomes a free chunk behind it, if that is large enough for one. */
function* use_free_chunk(k: Kernel, arena: number, { chunk, size, nb }: { chunk: number; size: number; nb: number }): Generator<Wait, void, void> {
  if (size - nb >= min_size(k)) {
    yield* store_word(k, size_of(k, chunk), nb + PREV_INUSE);
    yield* link_free(k, arena, chunk + nb, size - nb);
    return;
  }
  const next = chunk + size;
  const head = yield* load_word(k, size_of(k, next));
  yield* store_word(k, size_of(k, next), chunksize(head) + PREV_INUSE);
}

/** Puts a free chunk into the ring, as the first one, and writes its tags. The chunk before it is in use. */
function* link_free(k: Kernel, arena: number, chunk: number, size: number): Generator<Wait, void, void> {
  const first = yield* load_word(k, fd_of(k, arena));
  yield* store_word(k, size_of(k, chunk), size + PREV_INUSE);
  yield* store_word(k, virt(chunk + size), size);
  yield* store_word(k, fd_of(k, chunk), first);
  yield* store_word(k, bk_of(k, chunk), arena);
  yield* store_word(k, bk_of(k, first), chunk);
  yield* store_word(k, fd_of(k, arena), chunk);
}

/** Takes a free chunk out of the ring. */
function* unlink(k: Kernel, chunk: number): Generator<Wait, void, void> {
  const fd = yield* load_word(k, fd_of(k, chunk));
  const bk = yield* load_word(k, bk_of(k, chunk));
  const fd_bk = yield* load_word(k, bk_of(k, fd));
  const bk_fd = yield* load_word(k, fd_of(k, bk));
  if (dies(k)) return;
  if (fd_bk !== chunk || bk_fd !== chunk) {
    abort(k, 'corrupted double-linked list', chunk);
    return;
  }
  yield* store_word(k, bk_of(k, fd), bk);
  yield* store_word(k, fd_of(k, bk), fd);
}

// ---- freeing ----------------------------------------------------------------------------------------------------------

/** Frees a chunk of the heap, with its tag as it stands, and joins it with its free neighbours. */
function* free_to_heap(k: Kernel, chunk: number, head: number): Generator<Wait, void, void> {
  const arena = yield* find_arena(k);
  if (dies(k)) return;
  if (arena === 0 || chunk < arena + min_size(k)) {
    abort(k, 'free(): invalid pointer', chunk2mem(k, chunk));
    return;
  }
  const wrong = yield* what_is_wrong(k, arena, chunk, head);
  if (dies(k)) return;
  if (wrong !== '') {
    abort(k, wrong, chunk2mem(k, chunk));
    return;
  }
  let start = chunk;
  let size = chunksize(head);
  if ((head & PREV_INUSE) === 0) {
    const prev_size = yield* load_word(k, virt(chunk));
    start -= prev_size;
    size += prev_size;
    yield* unlink(k, start);
    if (dies(k)) return;
  }
  yield* join_next(k, arena, start, size);
}

/** Why a chunk cannot be freed, in glibc's words, or ''. */
function* what_is_wrong(k: Kernel, arena: number, chunk: number, head: number): Generator<Wait, string, void> {
  const size = chunksize(head);
  if (size < min_size(k) || size % (2 * word_size(k)) !== 0) return 'free(): invalid size';
  const top = yield* load_word(k, size_of(k, arena));
  if (chunk === top) return 'double free or corruption (top)';
  if (chunk + size > top) return 'double free or corruption (out)';
  const next = yield* load_word(k, size_of(k, chunk + size));
  if ((next & PREV_INUSE) === 0) return 'double free or corruption (!prev)';
  if (chunk + size !== top && (chunksize(next) < min_size(k) || chunk + size + chunksize(next) > top)) return 'free(): invalid next size (normal)';
  return '';
}

/** The free chunk `start` takes in the one behind it where that is free, or becomes part of top; else it goes into the ring as it is. */
function* join_next(k: Kernel, arena: number, start: number, size: number): Generator<Wait, void, void> {
  const next = start + size;
  const top = yield* load_word(k, size_of(k, arena));
  const next_head = yield* load_word(k, size_of(k, next));
  const next_size = chunksize(next_head);
  if (next === top) {
    yield* set_top(k, arena, start, size + next_size);
    if (size + next_size >= TRIM_THRESHOLD) yield* trim_top(k, start, size + next_size);
    return;
  }
  const after = yield* load_word(k, size_of(k, next + next_size));
  if (dies(k)) return;
  if ((after & PREV_INUSE) === 0) {
    yield* unlink(k, next);
    if (!dies(k)) yield* link_free(k, arena, start, size + next_size);
    return;
  }
  yield* store_word(k, size_of(k, next), next_size);
  yield* link_free(k, arena, start, size);
}

// ---- chunks that are mappings -----------------------------------------------------------------------------------------

/** A chunk with a mapping of its own, or 0. Its prev_size is 0: it begins where the mapping does. */
function* mmap_chunk(k: Kernel, nb: number): Generator<Wait, number, void> {
  const size = PAGE_ALIGN(k, nb + word_size(k));
  charge(k, k.cost.syscall);
  const chunk = yield* sys_mmap2(k, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, 0);
  if (chunk < 0) return 0;
  yield* store_word(k, size_of(k, chunk), size + IS_MMAPPED);
  return chunk;
}

function* munmap_chunk(k: Kernel, chunk: number, head: number): Generator<Wait, void, void> {
  const prev_size = yield* load_word(k, virt(chunk));
  if (dies(k)) return;
  const start = chunk - prev_size;
  const size = chunksize(head) + prev_size;
  if (start % PAGE_SIZE !== 0 || size % PAGE_SIZE !== 0) {
    abort(k, 'munmap_chunk(): invalid pointer', chunk2mem(k, chunk));
    return;
  }
  charge(k, k.cost.syscall);
  yield* sys_munmap(k, start, size);
}

// ---- what cannot be right ---------------------------------------------------------------------------------------------

/** Says what is wrong, as glibc does on the standard error, and ends the process by SIGABRT. */
function abort(k: Kernel, what: string, ptr: number): 0 {
  const task = current_task(k);
  const text = `*** glibc detected *** /bin/${task.comm}: ${what}: 0x${show_pointer(k, ptr)} ***`;
  k.program_output.push({ kind: 'print', text, statement: -1, ok: true, time: k.now, task: task.name });
  force_sig_info(k, SIGABRT, SI_TKILL, virt(0));
  return 0;
}
