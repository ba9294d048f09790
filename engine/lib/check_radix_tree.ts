// @nohooks
// The laws of a page cache's tree: its shape, its marks, and the memory of its nodes (KERNEL.md IV-8, FM-1). Looking changes nothing.

import type { Kernel } from '../kernel.ts';
import type { slab } from '../include/slab.ts';
import type { radix_tree_node, radix_tree_root } from '../include/radix-tree.ts';
import { RADIX_TREE_MAP_SIZE, RADIX_TREE_MAX_TAGS } from '../include/radix-tree.ts';
import { NO_PAGE } from '../include/types.ts';
import { find_cache } from '../mm/slab_lists.ts';
import { radix_tree_gang_lookup } from './radix-tree.ts';

/** Every law of a tree that does not hold, in words that follow its name. */
export function check_radix_tree(root: radix_tree_root): string[] {
  const broken: string[] = [];
  const { rnode, height, direct } = root;
  if (height === 0 && rnode !== null) broken.push('a tree without levels has nodes');
  if (height > 0 && direct !== NO_PAGE) broken.push(`a tree of height ${height} has page 0 beside its nodes`);
  if (rnode !== null && height > 0) check_node(rnode, height, broken);
  for (let tag = 0; tag < RADIX_TREE_MAX_TAGS; tag++) {
    const is_set = (root.tags & (1 << tag)) !== 0;
    const may_be = rnode === null ? is_set && direct !== NO_PAGE : any_mark(rnode, tag);
    if (is_set !== may_be) broken.push(`mark ${tag} of the tree is ${is_set ? 'set' : 'missing'}`);
  }
  check_height(root, broken);
  return broken;
}

/** Nodes of a tree, in no order. */
export function radix_tree_node_list(root: radix_tree_root): radix_tree_node[] {
  const found: radix_tree_node[] = [];
  const waiting = [root.rnode];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node === null) continue;
    found.push(node);
    waiting.push(...node.nodes);
  }
  return found;
}

/** Every node of every cache and every one put aside is an object of its own, and the slab cache has no others in use. */
export function check_tree_nodes(k: Kernel): string[] {
  const nodes = k.inodes.flatMap((inode) => (inode === null ? [] : radix_tree_node_list(inode.page_tree)));
  const aside = k.radix_tree_preloads.flatMap((preload) => preload.nodes);
  const addresses = nodes.map(({ address }) => address).concat(aside);
  const broken: string[] = [];
  if (new Set(addresses).size !== addresses.length) broken.push('IV-8: two nodes of trees have the same memory');
  const used = objects_in_use(k, 'radix_tree_node');
  if (used !== addresses.length) broken.push(`IV-8: ${used} objects of radix_tree_node are in use, trees and CPUs have ${addresses.length}`);
  return broken;
}

/** Objects of the cache of a name that somebody has: those of its slabs that are neither free nor in an array. */
export function objects_in_use(k: Kernel, name: string): number {
  const cachep = find_cache(k, name);
  if (cachep === null) return 0;
  const is_listed = (slabp: slab | null): slabp is slab => slabp !== null && slabp.cache === cachep.id && slabp.list !== null;
  const in_slabs = k.slab.slabs.filter(is_listed).reduce((sum, slabp) => sum + slabp.inuse, 0);
  const arrays = [...cachep.array, ...cachep.nodelists.flatMap((l3) => [l3?.shared ?? null, ...l3?.alien ?? []])];
  return arrays.reduce((sum, ac) => sum - (ac?.avail ?? 0), in_slabs);
}

function any_mark(node: radix_tree_node, tag: number): boolean {
  return (node.tags[tag]![0] | node.tags[tag]![1]) !== 0;
}

/** A node counts its slots in use, is not empty, and has a mark for a slot exactly where something below has it. */
function check_node(node: radix_tree_node, height: number, broken: string[]): void {
  let used = 0;
  for (let offset = 0; offset < RADIX_TREE_MAP_SIZE; offset++) {
    const child = height > 1 ? node.nodes[offset]! : null;
    const is_used = height > 1 ? child !== null : node.slots[offset] !== NO_PAGE;
    if (is_used) used++;
    for (let tag = 0; tag < RADIX_TREE_MAX_TAGS; tag++) check_mark(node, { offset, tag, height }, child, broken);
    if (child !== null) check_node(child, height - 1, broken);
  }
  if (used !== node.count || used === 0) broken.push(`a node of level ${height} counts ${node.count} slots, ${used} are in use`);
}

/** A mark in a node. */
interface place {
  offset: number;
  tag: number;
  height: number;
}

/** In the lowest level a page may have a mark or not, an empty slot has none. */
function check_mark(node: radix_tree_node, { offset, tag, height }: place, child: radix_tree_node | null, broken: string[]): void {
  const is_set = (node.tags[tag]![offset >> 5]! & (1 << (offset & 31))) !== 0;
  const may_be = height > 1 ? child !== null && any_mark(child, tag) : is_set && node.slots[offset] !== NO_PAGE;
  if (is_set !== may_be) broken.push(`mark ${tag} of slot ${offset} in a node of level ${height} is ${is_set ? 'set' : 'missing'}`);
}

/** No tree is higher than its last page needs (radix_tree_shrink), and none is too low for it. */
function check_height(root: radix_tree_root, broken: string[]): void {
  const pages = radix_tree_gang_lookup(root, 0, Infinity);
  if (pages.length === 0) return;
  const last = pages.at(-1)!.index;
  let height = 0;
  while (last > RADIX_TREE_MAP_SIZE ** height - 1) height++;
  if (root.height !== height) broken.push(`the tree has height ${root.height}, its last page ${last} needs ${height}`);
}
