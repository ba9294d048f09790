// Mappings of files for tests, faults in them, and the laws of the page cache.

import assert from 'node:assert/strict';
import type { inode, vm_area_struct } from '../../engine/include/mm_types.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Spaces } from './address-spaces.ts';
import { VM_FAULT_MAJOR, VM_READ } from '../../engine/include/mm_types.ts';
import { NR_FILE_PAGES } from '../../engine/include/mmzone.ts';
import { PG_locked } from '../../engine/include/page-flags.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { radix_tree_gang_lookup } from '../../engine/lib/radix-tree.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { NOPAGE_OOM, NOPAGE_SIGBUS, vma_nopage } from '../../engine/mm/filemap.ts';
import { page_count_raw, page_index, page_mapping_raw, test_page_flag } from '../../engine/mm/mem_map.ts';
import { inode_of } from '../../engine/mm/mm_struct.ts';
import { put_page } from '../../engine/mm/swap.ts';
import { global_page_state } from '../../engine/mm/vmstat.ts';
import { booted, fileOf, space, vma } from './address-spaces.ts';
import { testDisk } from './block-notation.ts';

/** Numbers as runs: `0-31 40`. */
export function runs(numbers: Iterable<number>): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const starts = sorted.filter((n, i) => i === 0 || sorted[i - 1] !== n - 1);
  const ends = sorted.filter((n, i) => sorted[i + 1] !== n + 1);
  return starts.map((start, i) => (start === ends[i] ? `${start}` : `${start}-${ends[i]}`)).join(' ');
}

/** Offsets of the pages that a file has in the cache. */
export const cachedIndices = (inode: inode): number[] => radix_tree_gang_lookup(inode.page_tree, 0, Infinity).map(({ index }) => index);
export const cachedOf = (inode: inode): string => runs(cachedIndices(inode));

/** IV-8, and every page of a cache belongs to its file and has no lock, unless it is being read. */
export function checkCaches({ k }: Spaces): void {
  let pages = 0;
  for (const inode of k.inodes) {
    if (inode === null) continue;
    const cached = radix_tree_gang_lookup(inode.page_tree, 0, Infinity);
    assert.equal(inode.nrpages, cached.length);
    pages += inode.nrpages;
    for (const { index, page } of cached) {
      const isLocked: boolean = inode.i_bdev < 0 && test_page_flag(k, page, PG_locked);
      assert.deepEqual([page_mapping_raw(k, page), page_index(k, page), isLocked], [inode.ino * 2, index, false]);
      assert.equal(page_count_raw(k, page) > 0, true);
    }
  }
  assert.equal(global_page_state(k, NR_FILE_PAGES), pages);
}

export interface MappingOptions {
  flags?: number;
  config?: Partial<MachineConfig>;
}

/** A file of so many pages, mapped from its first page on at 40000 (hex). */
export function mapped(pages: number, options: MappingOptions = {}): { at: Spaces; area: vm_area_struct; file: inode } {
  const at = booted(options.config);
  const file = fileOf(at, '/data/file', pages);
  const area = vma(at, 'A', `40000-${(0x40000 + pages).toString(16)}`, { flags: options.flags ?? VM_READ, file });
  at.k.tasks[0]!.mm = space(at, 'A').id;
  return { at, area, file };
}

/** Faults at a page of a VMA and lets the page go, as after a munmap: what came of it. */
export function fault(at: Spaces, area: vm_area_struct, index: number): string {
  const address = virt(area.vm_start + (index - area.vm_pgoff) * PAGE_SIZE);
  const { page: found, type } = run_to_end(at.k, vma_nopage(at.k, area, address));
  if (found === NOPAGE_SIGBUS) return 'SIGBUS';
  if (found === NOPAGE_OOM) return 'OOM';
  put_page(at.k, found);
  return type === VM_FAULT_MAJOR ? 'MAJOR' : 'MINOR';
}

/** A file of so many pages on a disk of its own, on a machine that is booted with it. */
export function onDisk(pages: number, config: Partial<MachineConfig> = {}): { at: Spaces; file: inode } {
  const path = '/data/file';
  const at = booted({ disks: [testDisk()], files: [{ path, size: pages * PAGE_SIZE, disk: 'sda' }], ...config });
  return { at, file: inode_of(at.k, at.k.dcache.get(path)!) };
}
