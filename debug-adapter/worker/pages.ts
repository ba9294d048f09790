// What the views say of a page: its struct page, which LRU list it is on, whose it is. Looking disturbs nothing.

import type { Kernel, Pfn, vm_area_struct } from '../../engine/index.ts';
import {
  PAGE_FLAG_NAMES, PAGE_SIZE, page_check_address, page_count_raw, page_flags, page_index, page_mapcount, page_mapping_raw, page_zone, show_page_flags,
  virt, vma_of,
} from '../../engine/index.ts';
import type { PageRow } from '../protocol.ts';

/** Bits of page.flags by name. */
export const PG = {
  locked: flag('PG_locked'), error: flag('PG_error'), referenced: flag('PG_referenced'), uptodate: flag('PG_uptodate'), dirty: flag('PG_dirty'),
  lru: flag('PG_lru'), active: flag('PG_active'), writeback: flag('PG_writeback'),
};

function flag(name: string): number {
  return 1 << PAGE_FLAG_NAMES.indexOf(name);
}

/** A frame's struct page. */
export function pageRow(k: Kernel, page: Pfn): PageRow {
  return {
    pfn: page, zone: page_zone(k, page).name, flags: show_page_flags(page_flags(k, page)), mapping: mappingText(k, page),
    count: page_count_raw(k, page), mapcount: page_mapcount(k, page), index: page_index(k, page),
  };
}

/** page->mapping: a file's path, an anon_vma, or the number that is left of one that is gone. */
function mappingText(k: Kernel, page: Pfn): string {
  const raw = page_mapping_raw(k, page);
  if (raw % 2 === 1) return (k.anon_vmas[(raw - 1) / 2] ?? null) === null ? hex(raw) : `anon_vma ${(raw - 1) / 2}`;
  return k.inodes[raw / 2]?.path ?? hex(raw);
}

/** The list a page is on, in words; '' for none. */
export function lruText(k: Kernel, page: Pfn): string {
  const flags = page_flags(k, page);
  if ((flags & PG.lru) !== 0) return (flags & PG.active) === 0 ? 'inactive list' : 'active list';
  const cpu = [...k.lru_add_pvecs, ...k.lru_add_active_pvecs].findIndex(({ pages }) => pages.includes(page));
  return cpu < 0 ? '' : `pagevec of CPU ${cpu % k.lru_add_pvecs.length}`;
}

/** Letters of what is true of a page, as protocol.ts says them. */
export function lettersOf(k: Kernel, page: Pfn): string {
  const flags = page_flags(k, page);
  const mapping = page_mapping_raw(k, page);
  const isTrue: [string, boolean][] = [
    ['r', (flags & PG.referenced) !== 0], ['d', (flags & PG.dirty) !== 0], ['w', (flags & PG.writeback) !== 0], ['l', (flags & PG.locked) !== 0],
    ['a', mapping % 2 === 1], ['f', mapping !== 0 && mapping % 2 === 0], ['m', page_mapcount(k, page) > 0],
  ];
  return isTrue.map(([letter, holds]) => (holds ? letter : '')).join('');
}

/** Whose a page is: a file and its place there, or the process that maps it, and where. */
export function ownerText(k: Kernel, page: Pfn): string {
  const raw = page_mapping_raw(k, page);
  if (raw !== 0 && raw % 2 === 0) return `${mappingText(k, page)} page ${page_index(k, page)}`;
  const mappers = mappersOf(k, page, raw);
  if (mappers.length === 0) return raw === 0 ? 'nobody' : 'no process any more';
  return mappers.length === 1 ? mappers[0]! : `${mappers[0]!} and ${mappers.length - 1} more`;
}

/** Every process that maps an anonymous page, with the address: `hog 0xb7e20000`. */
function mappersOf(k: Kernel, page: Pfn, raw: number): string[] {
  const areas = (k.anon_vmas[(raw - 1) / 2]?.vmas ?? []).map((id) => vma_of(k, id));
  return areas.flatMap((vma) => {
    const address = addressIn(k, page, vma);
    const names = address < 0 ? [] : k.tasks.filter(({ mm }) => mm === vma.vm_mm).map(({ name }) => name);
    return names.map((name) => `${name} ${hex(address)}`);
  });
}

/** Where an area maps a page, or -1. */
function addressIn(k: Kernel, page: Pfn, { vm_mm, vm_start, vm_end, vm_pgoff }: vm_area_struct): number {
  const mm = k.mm_structs[vm_mm] ?? null;
  const address = vm_start + (page_index(k, page) - vm_pgoff) * PAGE_SIZE;
  if (mm === null || address < vm_start || address >= vm_end) return -1;
  return page_check_address(k, page, mm, virt(address)) === null ? -1 : address;
}

function hex(address: number): string {
  return `0x${address.toString(16)}`;
}

/** Rows that are told of singly; a stretch that has more is told of in parts. */
export const MOST_ROWS = 128;
/** The smallest part, and how many parts a stretch has at most. */
const SMALLEST_PART = 64;
const MOST_PARTS = 64;

/** Takes a stretch apart, at multiples of a power of two. */
export function partsOf(start: number, end: number): { start: number; end: number }[] {
  let size = SMALLEST_PART;
  while ((end - start) / size > MOST_PARTS) size *= 2;
  const parts: { start: number; end: number }[] = [];
  for (let at = start; at < end; at = parts.at(-1)!.end) parts.push({ start: at, end: Math.min(end, (Math.floor(at / size) + 1) * size) });
  return parts;
}
