/** `struct page` of a frame, and `mem_map`, the array of all of them (KERNEL.md 1.2). */
import type { Kernel, Pfn } from '../../engine/index.ts';
import {
  PAGE_FLAG_NAMES, PAGE_SIZE, inode_of, max_mapnr, page_check_address, page_count_raw, page_flags, page_index, page_lru_next, page_lru_prev,
  page_mapcount, page_mapping_raw, page_private, page_to_nid, page_zonenum, pfn, pfn_valid, show_page_flags, test_page_flag, virt, virt_to_page,
  vma_of,
} from '../../engine/index.ts';
import type { Field, Kind } from './kinds.ts';
import { id } from './kinds.ts';
import { inodeValue } from './objects-files.ts';
import { anonVmaValue } from './objects-mm.ts';
import { pteValue } from './objects-pte.ts';
import { nodeValue, zoneValue } from './objects-zone.ts';
import { engineAddress } from './addresses.ts';
import type { Integer, ObjectValue, Value } from './values.ts';
import { ValueError, hex, nameOfKind } from './values.ts';

const PG_buddy = PAGE_FLAG_NAMES.indexOf('PG_buddy');
const PG_compound = PAGE_FLAG_NAMES.indexOf('PG_compound');

/** The page of a frame. Throws ValueError outside the machine's memory. */
export function pageAt(k: Kernel, frame: number): ObjectValue {
  if (frame < 0 || frame >= max_mapnr(k)) throw new ValueError(`there is no frame ${frame}: this machine has 0 … ${max_mapnr(k) - 1}`);
  if (!pfn_valid(k, frame)) throw new ValueError(`there is no frame ${frame}: it lies between two nodes`);
  return { kind: 'page', pfn: frame };
}

/** The page behind an address of the kernel's direct map of low memory. */
export function pageOfAddress(k: Kernel, address: Integer): ObjectValue {
  if (!isLowMemory(k, address)) throw new ValueError(`${hex(address)} is no address of the kernel's map of low memory`);
  return pageAt(k, virt_to_page(k, virt(engineAddress(address))));
}

export function isLowMemory(k: Kernel, address: Integer): boolean {
  const page = virt_to_page(k, virt(engineAddress(address)));
  return page >= 0 && page < k.platform.max_low_pfn;
}

/** The frame that a page object names. Throws ValueError for anything else. */
export function frameOf(value: Value): Pfn {
  if (typeof value === 'object' && !Array.isArray(value) && value.kind === 'page') return pfn(id(value, 'pfn'));
  throw new ValueError(`a page is expected, not ${value === 0 ? '0 (a failed allocation)' : nameOfKind(value)}`);
}

export const PAGE_KINDS: readonly [string, Kind][] = [
  ['page', { name: (_, o) => `page(${id(o, 'pfn')})`, summary: pageSummary, fields: pageFields(), methods: new Map([['flag', hasFlag]]) }],
  ['list_head', {
    name: (_, o) => `page(${id(o, 'pfn')}).lru`,
    summary: (k, o) => `next ${page_lru_next(k, frame(o))}, prev ${page_lru_prev(k, frame(o))}`,
    fields: new Map<string, Field>([['next', { get: (k, o) => page_lru_next(k, frame(o)) }], ['prev', { get: (k, o) => page_lru_prev(k, frame(o)) }]]),
  }],
  ['mem_map', {
    name: () => 'mem_map',
    summary: (k) => `${max_mapnr(k)} pages`,
    indexed: { size: max_mapnr, range: (_, _o, start, count) => Array.from({ length: count }, (_unused, i) => ({ kind: 'page', pfn: start + i })) },
  }],
];

function frame(o: ObjectValue): Pfn {
  return pfn(id(o, 'pfn'));
}

function pageFields(): Map<string, Field> {
  return new Map<string, Field>([
    ['pfn', { get: (_, o) => id(o, 'pfn') }],
    ['flags', { get: (k, o) => page_flags(k, frame(o)), show: (_, flags) => show_page_flags(flags as number) }],
    ['_count', { get: (k, o) => page_count_raw(k, frame(o)) }],
    ['_mapcount', { get: (k, o) => page_mapcount(k, frame(o)) - 1 }],
    ['private', { get: (k, o) => page_private(k, frame(o)) }],
    ['mapping', { get: (k, o) => mappingOf(k, frame(o)), show: showMapping }],
    ['index', { get: (k, o) => page_index(k, frame(o)) }],
    ['lru', { get: (_, o) => ({ kind: 'list_head', pfn: id(o, 'pfn') }) }],
    ['order', { get: (k, o) => orderOf(k, frame(o)) }],
    ['zone', { get: (k, o) => zoneValue(page_to_nid(k, frame(o)), page_zonenum(k, frame(o))) }],
    ['node', { get: (k, o) => nodeValue(page_to_nid(k, frame(o))) }],
    ['mapped_by', { get: (k, o) => mappedBy(k, frame(o)) }],
  ]);
}

/** What it belongs to: an anon_vma, a file, or 0. Where that is gone, the page is free and says only what it was; then it is the number. */
function mappingOf(k: Kernel, page: Pfn): Value {
  const raw = page_mapping_raw(k, page);
  if (raw % 2 === 1) return (k.anon_vmas[(raw - 1) / 2] ?? null) === null ? raw : anonVmaValue({ id: (raw - 1) / 2 });
  return (k.inodes[raw / 2] ?? null) === null ? raw : inodeValue({ ino: raw / 2 });
}

function showMapping(k: Kernel, mapping: Value): string {
  if (typeof mapping === 'number') return hex(mapping);
  const object = mapping as ObjectValue;
  return object.kind === 'inode' ? inode_of(k, id(object, 'ino')).path : `anon_vma ${id(object, 'anon')}`;
}

/** The page-table entries that name it, found by reverse mapping: the areas of its anon_vma or file, and its address in each (R-2). */
function mappedBy(k: Kernel, page: Pfn): ObjectValue[] {
  const raw = page_mapping_raw(k, page);
  const anon = raw % 2 === 1;
  const areas = (anon ? k.anon_vmas[(raw - 1) / 2]?.vmas : k.inodes[raw / 2]?.i_mmap) ?? [];
  return areas.flatMap((area) => {
    const { vm_mm, vm_start, vm_end, vm_pgoff } = vma_of(k, area);
    const mm = k.mm_structs[vm_mm] ?? null;
    const address = virt(vm_start + (page_index(k, page) - vm_pgoff) * PAGE_SIZE);
    if (mm === null || address < vm_start || address >= vm_end || page_check_address(k, page, mm, address) === null) return [];
    return k.tasks.filter((task) => task.mm === vm_mm).map(({ pid }) => pteValue(pid, address));
  });
}

/** Order of the free block or the compound page that begins here; 0 for any other frame. */
function orderOf(k: Kernel, page: Pfn): number {
  if (test_page_flag(k, page, PG_buddy)) return page_private(k, page);
  const isHead = test_page_flag(k, page, PG_compound) && page_private(k, page) === page;
  return isHead ? page_lru_prev(k, pfn(page + 1)) : 0;
}

function hasFlag(k: Kernel, o: ObjectValue, args: Value[]): Value {
  const name = args[0];
  const bit = typeof name === 'string' ? PAGE_FLAG_NAMES.indexOf(name.startsWith('PG_') ? name : `PG_${name}`) : -1;
  if (bit < 0) throw new ValueError(`\`flag\` takes the name of a page flag: ${PAGE_FLAG_NAMES.join(', ')}`);
  return test_page_flag(k, frame(o), bit);
}

function pageSummary(k: Kernel, o: ObjectValue): string {
  const page = frame(o);
  if (test_page_flag(k, page, PG_buddy)) return `page ${page}: free, order ${page_private(k, page)}`;
  const flags = show_page_flags(page_flags(k, page));
  return `page ${page}: _count ${page_count_raw(k, page)}${flags === '0' ? '' : `, ${flags}`}`;
}
