// @nohooks
// Looking at the page cache and the LRU lists without disturbing them: pages of a file by offset, and a stretch of a list by position. For views.

import type { Kernel } from '../kernel.ts';
import type { radix_tree_node, radix_tree_root } from '../include/radix-tree.ts';
import { RADIX_TREE_MAP_SIZE } from '../include/radix-tree.ts';
import type { ListHead, Pfn } from '../include/types.ts';
import { NO_PAGE } from '../include/types.ts';
import { page_lru_next, page_lru_prev } from './mem_map.ts';

/** Calls `visit` for each page of a page cache from offset `first` up to `end`, ascending. Offsets that are not cached cost nothing. */
export function each_cached_page(root: radix_tree_root, first: number, end: number, visit: (page: Pfn, index: number) => void): void {
  if (root.rnode !== null) visit_below(root.rnode, root.height, 0, { first, end, visit });
  else if (root.direct !== NO_PAGE && first <= 0 && end > 0) visit(root.direct, 0);
}

interface walk {
  first: number;
  end: number;
  visit: (page: Pfn, index: number) => void;
}

/** What lies below a node whose first offset is `base`. */
function visit_below(node: radix_tree_node, height: number, base: number, walk: walk): void {
  const span = RADIX_TREE_MAP_SIZE ** (height - 1);
  const last = Math.min(RADIX_TREE_MAP_SIZE, Math.ceil((walk.end - base) / span));
  for (let slot = Math.max(0, Math.floor((walk.first - base) / span)); slot < last; slot++) {
    const below = height > 1 ? node.nodes[slot]! : null;
    if (below !== null) visit_below(below, height - 1, base + slot * span, walk);
    else if (height === 1 && node.slots[slot] !== NO_PAGE) walk.visit(node.slots[slot]!, base + slot);
  }
}

/** Pages `start` … `end` of a list of `size` pages, counted from its head, from whichever end is nearer; fewer where the list is shorter. */
export function lru_pages(k: Kernel, head: ListHead, size: number, start: number, end: number): Pfn[] {
  const until = Math.min(end, size);
  return start <= size - until ? from_head(k, head, start, until - start) : from_tail(k, head, size - until, until - start);
}

function from_head(k: Kernel, head: ListHead, skip: number, count: number): Pfn[] {
  const pages: Pfn[] = [];
  let at = page_lru_next(k, head as number as Pfn);
  for (let i = 0; i < skip && at !== (head as number); i++) at = page_lru_next(k, at as Pfn);
  for (; pages.length < count && at !== (head as number); at = page_lru_next(k, at as Pfn)) pages.push(at as Pfn);
  return pages;
}

function from_tail(k: Kernel, head: ListHead, skip: number, count: number): Pfn[] {
  const pages: Pfn[] = [];
  let at = page_lru_prev(k, head as number as Pfn);
  for (let i = 0; i < skip && at !== (head as number); i++) at = page_lru_prev(k, at as Pfn);
  for (; pages.length < count && at !== (head as number); at = page_lru_prev(k, at as Pfn)) pages.push(at as Pfn);
  return pages.reverse();
}
