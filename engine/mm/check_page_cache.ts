// @nohooks
// The laws of the page cache (KERNEL.md IV-5, IV-8, IV-10, IV-16, WB-13, FM-3): files and their pages know each other, marks and counters say what
// the pages' flags say, and a page that is being read or written is locked or under write-back. Looking changes nothing.
//
// Who has locked a page is not recorded. So a page that is locked though no I/O is under way for it breaks a law only while no task can be at work.

import type { Kernel } from '../kernel.ts';
import type { bio, bio_end_io } from '../include/bio.ts';
import type { inode } from '../include/mm_types.ts';
import type { zone } from '../include/mmzone.ts';
import type { Pfn } from '../include/types.ts';
import { BH_Uptodate } from '../include/buffer_head.ts';
import { NR_FILE_DIRTY, NR_FILE_PAGES, NR_WRITEBACK } from '../include/mmzone.ts';
import { PAGEVEC_SIZE } from '../include/pagevec.ts';
import { PG_dirty, PG_locked, PG_lru, PG_private, PG_swapcache, PG_uptodate, PG_writeback } from '../include/page-flags.ts';
import { PAGECACHE_TAG_DIRTY, PAGECACHE_TAG_WRITEBACK } from '../include/radix-tree.ts';
import { EXIT_ZOMBIE, TASK_NEW } from '../include/sched.ts';
import { PAGE_SIZE, pfn } from '../include/types.ts';
import { check_radix_tree, check_tree_nodes } from '../lib/check_radix_tree.ts';
import { radix_tree_gang_lookup, radix_tree_tag_get } from '../lib/radix-tree.ts';
import { page_count_raw, page_index, page_mapcount, page_mapping_raw, page_private, test_page_flag } from './mem_map.ts';
import { for_each_zone } from './mmzone.ts';
import { folded_zone_state } from './vmstat.ts';

/** Whether tasks may be in the middle of a call, or are known not to be. */
export type activity = 'at work' | 'at rest';

/** Whether some task may be in the middle of a call: one that has begun and not ended, other than pdflush threads that have nothing to do. */
export function activity_of(k: Kernel): activity {
  const is_at_work = k.tasks.some((task) => task.kind !== 'idle' && task.state !== EXIT_ZOMBIE && task.state !== TASK_NEW && !is_idle_pdflush(k, task.pid));
  return is_at_work ? 'at work' : 'at rest';
}

/** The same where it is known that no task but the kernel's own threads is in one. */
export function activity_of_threads(k: Kernel): activity {
  return k.tasks.some((task) => task.daemon !== 0 && task.state !== EXIT_ZOMBIE && !is_idle_pdflush(k, task.pid)) ? 'at work' : 'at rest';
}

function is_idle_pdflush(k: Kernel, pid: number): boolean {
  return k.writeback.pdflush.pdflush_list.includes(pid);
}

/** Every law that does not hold, in words. */
export function check_page_cache(k: Kernel, activity: activity = activity_of(k)): string[] {
  const broken: string[] = [];
  const cached = cached_pages(k);
  for (const inode of k.inodes) if (inode !== null) check_cache(k, inode, activity, broken);
  broken.push(...check_tree_nodes(k));
  check_zones(k, cached, broken);
  check_in_flight(k, activity, broken);
  check_pagevecs(k, broken);
  return broken;
}

/** Every page that is in the cache of a file, with that file; the last one where there are several. */
export function cached_pages(k: Kernel): Map<Pfn, inode> {
  const cached = new Map<Pfn, inode>();
  for (const inode of k.inodes) {
    if (inode === null) continue;
    for (const { page } of radix_tree_gang_lookup(inode.page_tree, 0, Infinity)) cached.set(page, inode);
  }
  return cached;
}

/** Whether dirty pages of a file are counted and written back: those of one on a disk (mapping_cap_account_dirty). */
export function is_accounted(inode: inode): boolean {
  return inode.kind === 'file' && inode.i_bdev >= 0;
}

// ---- one file ---------------------------------------------------------------------------------------------------------

/** IV-8: a file's tree has the shape it should have, holds as many pages as the file counts, and each page knows where it is. */
function check_cache(k: Kernel, inode: inode, activity: activity, broken: string[]): void {
  broken.push(...check_radix_tree(inode.page_tree).map((breach) => `IV-8: ${inode.path}: ${breach}`));
  const pages = radix_tree_gang_lookup(inode.page_tree, 0, Infinity);
  if (inode.nrpages !== pages.length) broken.push(`IV-8: ${inode.path}: nrpages is ${inode.nrpages}, its tree holds ${pages.length}`);
  for (const { index, page } of pages) {
    if (page_mapping_raw(k, page) !== inode.ino * 2 || page_index(k, page) !== index) {
      broken.push(`IV-8: ${inode.path}: page ${page} is its page ${index}, but says it is page ${page_index(k, page)} of mapping ${page_mapping_raw(k, page)}`);
    } else check_flags(k, inode, { index, page }, broken);
    if (activity === 'at rest') check_listed(k, inode, page, broken);
  }
}

/** IV-10: marks say what flags say. That of a dirty page may outlast the flag while somebody who has locked the page is about to write it, and for
 *  good where it lay behind the end of the file by then: truncation is about to take it (WB-13). A page may be up to date in its buffer alone. */
function check_flags(k: Kernel, inode: inode, { index, page }: { index: number; page: Pfn }, broken: string[]): void {
  const name = `${inode.path}: page ${index} (frame ${page})`;
  const [is_dirty, is_written, is_locked] = [PG_dirty, PG_writeback, PG_locked].map((flag) => test_page_flag(k, page, flag));
  const has_dirty_tag = radix_tree_tag_get(inode.page_tree, index, PAGECACHE_TAG_DIRTY);
  if (is_dirty === true && !has_dirty_tag) broken.push(`IV-10: ${name} is dirty without its mark`);
  const is_inside = index < Math.ceil(inode.size / PAGE_SIZE);
  if (is_dirty !== true && has_dirty_tag && is_locked !== true && is_inside) broken.push(`IV-10: ${name} has the mark of a dirty page and is clean`);
  if (radix_tree_tag_get(inode.page_tree, index, PAGECACHE_TAG_WRITEBACK) !== is_written) broken.push(`IV-10: ${name}: PG_writeback is ${Number(is_written)}, its mark is not`);
  const bh = test_page_flag(k, page, PG_private) ? k.buffer_heads[page_private(k, page)] ?? null : null;
  if (test_page_flag(k, page, PG_uptodate) || (bh !== null && (bh.b_state & BH_Uptodate) !== 0)) return;
  if (is_dirty === true) broken.push(`FM-5: ${name} is dirty and not up to date`);
  if (page_mapcount(k, page) > 0) broken.push(`FM-12: ${name} is mapped and not up to date`);
}

/** IV-5: every cached page comes onto a list; one that a call has just made may still be in that call's own pagevec. */
function check_listed(k: Kernel, inode: inode, page: Pfn, broken: string[]): void {
  if (test_page_flag(k, page, PG_lru) || is_waiting(k, page)) return;
  broken.push(`IV-5: ${inode.path}: page ${page_index(k, page)} (frame ${page}) is on no LRU list and on the way to none`);
}

// ---- counters ---------------------------------------------------------------------------------------------------------

/** What one zone's pages say of themselves. */
interface tally {
  cached: number;
  dirty: number;
  written: number;
  listed: number;
}

/** IV-5, IV-8, IV-10: each zone counts its pages that are cached, dirty, under write-back, and on its lists; a page that says it belongs to a file is
 *  in its tree. */
function check_zones(k: Kernel, cached: ReadonlyMap<Pfn, inode>, broken: string[]): void {
  for (const zone of for_each_zone(k)) {
    const tally: tally = { cached: 0, dirty: 0, written: 0, listed: 0 };
    for (let i = 0; i < zone.spanned_pages; i++) count_page(k, pfn(zone.zone_start_pfn + i), cached, { tally, broken });
    check_count(zone, 'IV-8', ['NR_FILE_PAGES', NR_FILE_PAGES], ['pages in caches', tally.cached], broken);
    check_count(zone, 'IV-10', ['NR_FILE_DIRTY', NR_FILE_DIRTY], ['dirty pages of files on disks', tally.dirty], broken);
    check_count(zone, 'IV-10', ['NR_WRITEBACK', NR_WRITEBACK], ['pages under write-back', tally.written], broken);
    const listed = zone.nr_active + zone.nr_inactive;
    if (tally.listed !== listed) broken.push(`IV-5: ${zone.name}: ${tally.listed} pages say they are on its lists, which have ${listed}`);
  }
}

function check_count(zone: zone, law: string, [item, index]: [string, number], [what, there]: [string, number], broken: string[]): void {
  const counted = folded_zone_state(zone, index);
  if (counted !== there) broken.push(`${law}: ${zone.name}: ${item} is ${counted}, there are ${there} ${what}`);
}

function count_page(k: Kernel, page: Pfn, cached: ReadonlyMap<Pfn, inode>, { tally, broken }: { tally: tally; broken: string[] }): void {
  const inode = cached.get(page);
  const mapping = page_mapping_raw(k, page);
  if (test_page_flag(k, page, PG_lru)) tally.listed++;
  if (test_page_flag(k, page, PG_writeback)) tally.written++;
  if (inode !== undefined || test_page_flag(k, page, PG_swapcache)) tally.cached++;
  if (inode !== undefined && is_accounted(inode) && test_page_flag(k, page, PG_dirty)) tally.dirty++;
  if (inode === undefined && mapping !== 0 && mapping % 2 === 0) broken.push(`IV-8: page ${page} says it is page ${page_index(k, page)} of mapping ${mapping}, whose tree has it not`);
}

// ---- I/O --------------------------------------------------------------------------------------------------------------

/** What a page is while I/O of a kind is under way for it. */
const STATE_OF: Partial<Record<bio_end_io, number>> = { read_page: PG_locked, write_page: PG_writeback };

/** IV-16: a page that a disk reads into is locked and one that it writes is under write-back; while nobody is at work, no other page is. */
function check_in_flight(k: Kernel, activity: activity, broken: string[]): void {
  const busy = new Set<Pfn>();
  for (const bio of bios_in_flight(k)) {
    for (const page of bio.bi_io_vec) busy.add(page);
    check_bio(k, bio, broken);
  }
  if (activity === 'at work') return;
  for (const zone of for_each_zone(k)) {
    for (let i = 0; i < zone.spanned_pages; i++) check_idle(k, pfn(zone.zone_start_pfn + i), busy, broken);
  }
}

/** Every bio that waits in a queue or is worked at, by disk. */
export function bios_in_flight(k: Kernel): bio[] {
  return k.block.disks.flatMap(({ queue }) => [...queue.active?.bios ?? [], ...queue.queue_head.flatMap(({ bios }) => bios)]);
}

function check_bio(k: Kernel, bio: bio, broken: string[]): void {
  const flag = STATE_OF[bio.bi_end_io];
  if (flag === undefined) return;
  for (const page of bio.bi_io_vec) {
    const name = `IV-16: page ${page} of a bio ${bio.bi_end_io}`;
    if (!test_page_flag(k, page, flag)) broken.push(`${name} is not ${flag === PG_locked ? 'locked' : 'under write-back'}`);
    if (flag === PG_locked && test_page_flag(k, page, PG_uptodate)) broken.push(`${name} is up to date already`);
    if (page_count_raw(k, page) === 0) broken.push(`${name} is free`);
  }
}

function check_idle(k: Kernel, page: Pfn, busy: ReadonlySet<Pfn>, broken: string[]): void {
  if (busy.has(page)) return;
  if (test_page_flag(k, page, PG_locked)) broken.push(`IV-16: page ${page} is locked, nobody is at work, and no I/O is under way for it`);
  if (test_page_flag(k, page, PG_writeback)) broken.push(`IV-16: page ${page} is under write-back, nobody is at work, and no I/O is under way for it`);
}

// ---- pagevecs ---------------------------------------------------------------------------------------------------------

/** IV-5, L-2: a pagevec is never left full, and what waits in one is on no list yet. */
function check_pagevecs(k: Kernel, broken: string[]): void {
  for (const { pages } of [...k.lru_add_pvecs, ...k.lru_add_active_pvecs]) {
    if (pages.length >= PAGEVEC_SIZE) broken.push(`IV-5: ${pages.length} pages wait in a pagevec that holds ${PAGEVEC_SIZE}`);
    for (const page of pages) if (test_page_flag(k, page, PG_lru)) broken.push(`IV-5: page ${page} waits for a list and is on one`);
  }
}

function is_waiting(k: Kernel, page: Pfn): boolean {
  return [...k.lru_add_pvecs, ...k.lru_add_active_pvecs].some(({ pages }) => pages.includes(page));
}
