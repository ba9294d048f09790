// The tree of a page cache (lib/radix-tree.c; KERNEL.md FM-1): frames by page offset, with a mark for dirty pages and one for those under write-back,
// so that walks over marked pages need not look at the others. The tree is as high as its largest offset needs; a tree of page 0 alone has no node.
//
// Nodes are objects of the radix_tree_node cache. They are allocated without waiting; where that fails, from what radix_tree_preload has put aside.
// Left out: items that are no pages, and the lock of the tree: nothing here can be interrupted.

import type { Kernel } from '../kernel.ts';
import type { Wait } from '../kernel/sched.ts';
import type { radix_tree_node, radix_tree_preload as preload, radix_tree_root } from '../include/radix-tree.ts';
import type { Pfn, VirtAddr } from '../include/types.ts';
import { EEXIST, ENOMEM } from '../include/errno.ts';
import { GFP_ATOMIC } from '../include/gfp.ts';
import { RADIX_TREE_MAP_SIZE, RADIX_TREE_MAX_TAGS } from '../include/radix-tree.ts';
import { NO_PAGE, virt } from '../include/types.ts';
import { kmem_cache_alloc, kmem_cache_free } from '../mm/slab.ts';
import { find_cache } from '../mm/slab_lists.ts';

/** Levels that the largest offset needs: 32 bits of it (RADIX_TREE_MAX_PATH). */
const RADIX_TREE_MAX_PATH = 6;

/** A tree that holds nothing. @nohooks */
export function make_radix_tree(): radix_tree_root {
  return { height: 0, tags: 0, rnode: null, direct: NO_PAGE };
}

/** @nohooks */
export function make_radix_tree_preloads(nr_cpus: number): preload[] {
  return Array.from({ length: nr_cpus }, () => ({ nodes: [] }));
}

// ---- looking ----------------------------------------------------------------------------------------------------------

/** The frame at an offset, or NO_PAGE. @nohooks */
export function radix_tree_lookup(root: radix_tree_root, index: number): Pfn {
  const leaf = leaf_of(root, index);
  if (leaf !== null) return leaf.slots[index % RADIX_TREE_MAP_SIZE]!;
  return index === 0 && root.height === 0 ? root.direct : NO_PAGE;
}

/** Whether an offset has a mark. @nohooks */
export function radix_tree_tag_get(root: radix_tree_root, index: number, tag: number): boolean {
  const leaf = leaf_of(root, index);
  if (leaf !== null) return has_tag(leaf, tag, index % RADIX_TREE_MAP_SIZE);
  return index === 0 && root.height === 0 && (root.tags & (1 << tag)) !== 0;
}

/** Whether anything in the tree has a mark. @nohooks */
export function radix_tree_tagged(root: radix_tree_root, tag: number): boolean {
  return (root.tags & (1 << tag)) !== 0;
}

/** Frames from an offset on, ascending, `max` of them at most. @nohooks */
export function radix_tree_gang_lookup(root: radix_tree_root, first: number, max: number): { index: number; page: Pfn }[] {
  const found: { index: number; page: Pfn }[] = [];
  gather(root, { first, max, tag: -1 }, found);
  return found;
}

/** The same of those that have a mark. @nohooks */
export function radix_tree_gang_lookup_tag(root: radix_tree_root, first: number, max: number, tag: number): { index: number; page: Pfn }[] {
  const found: { index: number; page: Pfn }[] = [];
  if (radix_tree_tagged(root, tag)) gather(root, { first, max, tag }, found);
  return found;
}

/** How many nodes a tree has. @nohooks */
export function radix_tree_nodes(root: radix_tree_root): number {
  const count = (node: radix_tree_node): number => 1 + node.nodes.reduce((sum, child) => sum + (child === null ? 0 : count(child)), 0);
  return root.rnode === null ? 0 : count(root.rnode);
}

interface search {
  first: number;
  max: number;
  /** -1: any frame. */
  tag: number;
}

/** @nohooks */
function gather(root: radix_tree_root, search: search, found: { index: number; page: Pfn }[]): void {
  if (root.rnode !== null) gather_below(root.rnode, root.height, 0, search, found);
  else if (root.direct !== NO_PAGE && search.first === 0 && search.max > 0) found.push({ index: 0, page: root.direct });
}

/** What lies below a node whose first offset is `base`. @nohooks */
function gather_below(node: radix_tree_node, height: number, base: number, search: search, found: { index: number; page: Pfn }[]): void {
  const span = RADIX_TREE_MAP_SIZE ** (height - 1);
  const start = Math.max(0, Math.floor((search.first - base) / span));
  for (let offset = start; offset < RADIX_TREE_MAP_SIZE && found.length < search.max; offset++) {
    if (search.tag >= 0 && !has_tag(node, search.tag, offset)) continue;
    const at = base + offset * span;
    if (height === 1) {
      if (node.slots[offset] !== NO_PAGE) found.push({ index: at, page: node.slots[offset]! });
    } else if (node.nodes[offset] !== null) gather_below(node.nodes[offset]!, height - 1, at, search, found);
  }
}

/** The lowest node on the way to an offset, or null. @nohooks */
function leaf_of(root: radix_tree_root, index: number): radix_tree_node | null {
  if (index > max_index(root.height)) return null;
  let node = root.rnode;
  for (let height = root.height; height > 1 && node !== null; height--) node = node.nodes[slot_at(index, height)]!;
  return node;
}

/** Place of an offset in a node of a level, 1 being the lowest. @nohooks */
function slot_at(index: number, height: number): number {
  return Math.floor(index / RADIX_TREE_MAP_SIZE ** (height - 1)) % RADIX_TREE_MAP_SIZE;
}

/** The largest offset that a tree of a height holds. @nohooks */
function max_index(height: number): number {
  return RADIX_TREE_MAP_SIZE ** height - 1;
}

/** @nohooks */
function has_tag(node: radix_tree_node, tag: number, offset: number): boolean {
  return (node.tags[tag]![offset >> 5]! & (1 << (offset & 31))) !== 0;
}

/** @nohooks */
function set_tag(node: radix_tree_node, tag: number, offset: number): void {
  node.tags[tag]![offset >> 5]! |= 1 << (offset & 31);
}

/** @nohooks */
function clear_tag(node: radix_tree_node, tag: number, offset: number): void {
  node.tags[tag]![offset >> 5]! &= ~(1 << (offset & 31));
}

/** @nohooks */
function any_tag(node: radix_tree_node, tag: number): boolean {
  return (node.tags[tag]![0] | node.tags[tag]![1]) !== 0;
}

// ---- changing ---------------------------------------------------------------------------------------------------------

/** Sees that the CPU has nodes put aside for an insertion that may not wait. 0, or -ENOMEM (radix_tree_preload). */
export function* radix_tree_preload(k: Kernel, gfp_mask: number): Generator<Wait, number, void> {
  const cachep = find_cache(k, 'radix_tree_node')!;
  while (k.radix_tree_preloads[k.cpu]!.nodes.length < RADIX_TREE_MAX_PATH) {
    const address = yield* kmem_cache_alloc(k, cachep, gfp_mask);
    if (address === 0) return -ENOMEM;
    const rtp = k.radix_tree_preloads[k.cpu]!;
    if (rtp.nodes.length < RADIX_TREE_MAX_PATH) rtp.nodes.push(address);
    else kmem_cache_free(k, cachep, address);
  }
  return 0;
}

/** Puts a frame at an offset: 0, -EEXIST, or -ENOMEM. Does not sleep. */
export function* radix_tree_insert(k: Kernel, root: radix_tree_root, index: number, page: Pfn): Generator<Wait, number, void> {
  if (index > max_index(root.height)) {
    const error = yield* radix_tree_extend(k, root, index);
    if (error !== 0) return error;
  }
  if (root.height === 0) {
    if (root.direct !== NO_PAGE) return -EEXIST;
    root.direct = page;
    return 0;
  }
  let node = root.rnode;
  if (node === null) {
    node = yield* radix_tree_node_alloc(k, root.height);
    if (node === null) return -ENOMEM;
    root.rnode = node;
  }
  for (let height = root.height; height > 1; height--) {
    const offset = slot_at(index, height);
    let child: radix_tree_node | null = node.nodes[offset]!;
    if (child === null) {
      child = yield* radix_tree_node_alloc(k, height - 1);
      if (child === null) return -ENOMEM;
      node.nodes[offset] = child;
      node.count++;
    }
    node = child;
  }
  const offset = slot_at(index, 1);
  if (node.slots[offset] !== NO_PAGE) return -EEXIST;
  node.slots[offset] = page;
  node.count++;
  return 0;
}

/** Takes an offset out with its marks; the frame that was there, or NO_PAGE. Nodes that hold nothing any more are freed. */
export function radix_tree_delete(k: Kernel, root: radix_tree_root, index: number): Pfn {
  const page = radix_tree_lookup(root, index);
  if (page === NO_PAGE) return NO_PAGE;
  for (let tag = 0; tag < RADIX_TREE_MAX_TAGS; tag++) radix_tree_tag_clear(root, index, tag);
  if (root.height === 0) {
    root.direct = NO_PAGE;
    return page;
  }
  const path = path_to(root, index);
  path.at(-1)!.slots[slot_at(index, 1)] = NO_PAGE;
  for (let height = 1; height <= root.height; height++) {
    const node = path[root.height - height]!;
    node.count--;
    if (node.count > 0) {
      if (height === root.height) radix_tree_shrink(k, root);
      return page;
    }
    radix_tree_node_free(k, node);
    if (height < root.height) path[root.height - height - 1]!.nodes[slot_at(index, height + 1)] = null;
  }
  root.height = 0;
  root.tags = 0;
  root.rnode = null;
  return page;
}

/** Another frame at an offset that has one. */
export function radix_tree_replace(root: radix_tree_root, index: number, page: Pfn): void {
  const leaf = leaf_of(root, index);
  if (leaf === null) root.direct = page;
  else leaf.slots[index % RADIX_TREE_MAP_SIZE] = page;
}

/** Marks an offset that holds a frame, and the way to it. */
export function radix_tree_tag_set(root: radix_tree_root, index: number, tag: number): void {
  for (const [i, node] of path_to(root, index).entries()) set_tag(node, tag, slot_at(index, root.height - i));
  root.tags |= 1 << tag;
}

/** Takes a mark away, and from the way to it where nothing else there has it. */
export function radix_tree_tag_clear(root: radix_tree_root, index: number, tag: number): void {
  if (!radix_tree_tag_get(root, index, tag)) return;
  const path = path_to(root, index);
  for (let height = 1; height <= root.height; height++) {
    const node = path[root.height - height]!;
    clear_tag(node, tag, slot_at(index, height));
    if (any_tag(node, tag)) return;
  }
  root.tags &= ~(1 << tag);
}

/** Nodes on the way to an offset that holds a frame, the highest first. @nohooks */
function path_to(root: radix_tree_root, index: number): radix_tree_node[] {
  const path: radix_tree_node[] = [];
  let node = root.rnode;
  for (let height = root.height; height > 0 && node !== null; height--) {
    path.push(node);
    node = height > 1 ? node.nodes[slot_at(index, height)]! : null;
  }
  return path;
}

/** Makes the tree high enough for an offset: what it held lies below the first slot of each new node. */
function* radix_tree_extend(k: Kernel, root: radix_tree_root, index: number): Generator<Wait, number, void> {
  let height = root.height + 1;
  while (index > max_index(height)) height++;
  if (root.rnode === null && root.direct === NO_PAGE) {
    root.height = height;
    return 0;
  }
  while (root.height < height) {
    const node = yield* radix_tree_node_alloc(k, root.height + 1);
    if (node === null) return -ENOMEM;
    if (root.height === 0) node.slots[0] = root.direct;
    else node.nodes[0] = root.rnode;
    for (let tag = 0; tag < RADIX_TREE_MAX_TAGS; tag++) if (radix_tree_tagged(root, tag)) set_tag(node, tag, 0);
    node.count = 1;
    root.direct = NO_PAGE;
    root.rnode = node;
    root.height++;
  }
  return 0;
}

/** Takes levels away while all that is left lies below the first slot of the top. */
function radix_tree_shrink(k: Kernel, root: radix_tree_root): void {
  while (root.height > 0 && root.rnode!.count === 1) {
    const top = root.rnode!;
    if (root.height === 1 ? top.slots[0] === NO_PAGE : top.nodes[0] === null) return;
    if (root.height === 1) root.direct = top.slots[0]!;
    root.rnode = root.height === 1 ? null : top.nodes[0]!;
    root.height--;
    radix_tree_node_free(k, top);
  }
}

/** A node for a level, without waiting; from what was put aside where there is no other. */
function* radix_tree_node_alloc(k: Kernel, height: number): Generator<Wait, radix_tree_node | null, void> {
  const address = yield* kmem_cache_alloc(k, find_cache(k, 'radix_tree_node')!, GFP_ATOMIC);
  if (address !== 0) return make_node(address, height);
  const aside = k.radix_tree_preloads[k.cpu]!.nodes.pop();
  return aside === undefined ? null : make_node(aside, height);
}

/** @nohooks */
function make_node(address: VirtAddr, height: number): radix_tree_node {
  const is_lowest = height === 1;
  return {
    address, count: 0,
    nodes: is_lowest ? [] : Array<radix_tree_node | null>(RADIX_TREE_MAP_SIZE).fill(null),
    slots: is_lowest ? Array<Pfn>(RADIX_TREE_MAP_SIZE).fill(NO_PAGE) : [],
    tags: [[0, 0], [0, 0]],
  };
}

function radix_tree_node_free(k: Kernel, node: radix_tree_node): void {
  if (node.address === 0) return;
  kmem_cache_free(k, find_cache(k, 'radix_tree_node')!, node.address);
  node.address = virt(0);
}
