// @nohooks
// What include/linux/radix-tree.h declares: a tree from page offsets to frames, with two marks for each (KERNEL.md FM-1).
//
//   root.height 2:   rnode ── slots[index >> 6 & 63] ── node ── slots[index & 63] ── a frame
//
// A slot of a node holds a node, or in the lowest level a frame; null and NO_PAGE are empty. A node has a mark for a slot when anything below it is
// marked.

import type { Pfn, VirtAddr } from './types.ts';

export const RADIX_TREE_MAP_SIZE = 64;

/** Marks (include/linux/fs.h). */
export const PAGECACHE_TAG_DIRTY = 0;
export const PAGECACHE_TAG_WRITEBACK = 1;
export const RADIX_TREE_MAX_TAGS = 2;

export interface radix_tree_node {
  /** Its memory in the radix_tree_node cache; 0 where a test built the tree without any. */
  address: VirtAddr;
  /** Slots in use. */
  count: number;
  /** Nodes below; empty in the lowest level. */
  nodes: (radix_tree_node | null)[];
  /** Frames; empty in the levels above. */
  slots: Pfn[];
  /** For each mark 64 bits, as two words. */
  tags: [[number, number], [number, number]];
}

export interface radix_tree_root {
  /** Levels; 0: the tree is empty, or holds page 0 alone, in `direct`. */
  height: number;
  /** Marks of the whole tree, a bit each. */
  tags: number;
  rnode: radix_tree_node | null;
  /** The frame of page 0 of a tree without nodes, or NO_PAGE (the kernel keeps it in rnode). */
  direct: Pfn;
}

/** Nodes a CPU keeps ready, so that an insertion under a lock need not wait for memory. */
export interface radix_tree_preload {
  nodes: VirtAddr[];
}
