/** Files with their page caches, and open files (KERNEL.md FM-1, FM-7, IV-8). */
import type { Kernel, file, file_ra_state, inode } from '../../engine/index.ts';
import {
  PAGECACHE_TAG_DIRTY, PAGECACHE_TAG_WRITEBACK, PAGE_FLAG_NAMES, inode_of, radix_tree_gang_lookup, radix_tree_gang_lookup_tag, test_page_flag,
} from '../../engine/index.ts';
import { FILES } from '../vocabulary/constants.ts';
import type { Field, Kind } from './kinds.ts';
import { fieldsOf, id, indexedBy, showBytes, showFlags, showPages } from './kinds.ts';
import { diskValue } from './objects-disks.ts';
import { writtenName } from './task-names.ts';
import { count } from './words.ts';
import type { ObjectValue, Value } from './values.ts';
import { ValueError } from './values.ts';

type FlagNames = readonly (readonly [string, number])[];

/** inode.i_state, address_space.flags, file_ra_state.flags, and what else than the way it is open a file keeps of open's flags. */
const STATES: FlagNames = [['I_DIRTY_SYNC', 1], ['I_DIRTY_DATASYNC', 2], ['I_DIRTY_PAGES', 4], ['I_LOCK', 8]];
const ERRORS: FlagNames = [['AS_EIO', 1], ['AS_ENOSPC', 2]];
const READAHEAD: FlagNames = [['RA_FLAG_MISS', 1], ['RA_FLAG_INCACHE', 2]];
const OPEN: FlagNames = ['O_APPEND', 'O_NONBLOCK', 'O_SYNC', 'O_DIRECT', 'O_LARGEFILE', 'O_NOATIME'].map((name) => [name, FILES[name]!]);

const PG_dirty = PAGE_FLAG_NAMES.indexOf('PG_dirty');

export function inodeValue({ ino }: Pick<inode, 'ino'>): ObjectValue {
  return { kind: 'inode', ino };
}

export function openFileValue(file: number): ObjectValue {
  return { kind: 'open file', file };
}

/** The open files of a task by descriptor. */
export function openFilesValue(pid: number): ObjectValue {
  return { kind: 'open files', pid };
}

export const FILE_KINDS: readonly [string, Kind][] = [
  ['files', {
    name: () => 'files',
    summary: (k) => count(k.dcache.size, 'file'),
    names: (k) => [...k.dcache.keys()],
    lookUp: (k, _, path) => ({ value: { kind: 'inode', ino: inodeNumber(k, path) } }),
    indexed: indexedBy((k) => [...k.dcache.values()], (ino) => ({ kind: 'inode', ino })),
    hidesIndexed: true,
  }],
  ['inode', { name: inodeName, summary: inodeSummary, gone: goneInode, fields: inodeFields() }],
  ['cached pages', {
    name: (k, o) => `${inodeName(k, o)}.pages`,
    summary: (k, o) => count(inodeAt(k, o).nrpages, 'page'),
    gone: goneInode,
    indexed: {
      size: (k, o) => inodeAt(k, o).nrpages,
      range: (k, o, start, count) => radix_tree_gang_lookup(inodeAt(k, o).page_tree, 0, start + count).slice(start).map(({ page }) => ({ kind: 'page', pfn: page })),
    },
  }],
  ['extent', {
    name: (_, o) => `${id(o, 'nr')} blocks from ${id(o, 'block')} on`,
    summary: (_, o) => `pages ${id(o, 'index')} … ${id(o, 'index') + id(o, 'nr') - 1} in blocks ${id(o, 'block')} … ${id(o, 'block') + id(o, 'nr') - 1}`,
    fields: new Map((['index', 'nr', 'block'] as const).map((name): [string, Field] => [name, { get: (_, o) => id(o, name) }])),
  }],
  ['open files', {
    name: (k, o) => `${writtenName(k, k.tasks[id(o, 'pid')]!)}.files`,
    summary: (k, o) => count(descriptorsOf(k, o).length, 'open file'),
    names: (k, o) => descriptorsOf(k, o).map(String),
    lookUp: (k, o, fd) => (descriptorsOf(k, o).includes(Number(fd)) ? { value: openAs(tableOf(k, o)[Number(fd)]!) } : undefined),
    indexed: indexedBy(tableOf, openAs),
    hidesIndexed: true,
  }],
  ['open file', { name: fileName, summary: fileSummary, gone: goneFile, fields: fileFields() }],
  ['ra_state', {
    name: (k, o) => `${fileName(k, o)}.ra`,
    summary: (k, o) => raSummary(fileAt(k, o).f_ra),
    gone: goneFile,
    fields: raFields(),
  }],
];

// ---- files ------------------------------------------------------------------------------------------------------------

/** Files that a message names. */
const MOST_NAMED = 12;

/** Throws ValueError where there is no file of that path, and says which there are. */
function inodeNumber(k: Kernel, path: string): number {
  const ino = k.dcache.get(path);
  if (ino !== undefined) return ino;
  const names = [...k.dcache.keys()].filter((known) => !known.startsWith('/bin/'));
  const known = names.length === 0 ? 'there are none but programs, in /bin' : `there are ${names.slice(0, MOST_NAMED).join(', ')}${names.length > MOST_NAMED ? ' …' : ''}`;
  throw new ValueError(`there is no file \`${path}\` now: ${known}`);
}

function inodeAt(k: Kernel, o: ObjectValue): inode {
  return inode_of(k, id(o, 'ino'));
}

function goneInode(k: Kernel, o: ObjectValue): string | undefined {
  return (k.inodes[id(o, 'ino')] ?? null) === null ? 'a file that is gone' : undefined;
}

/** Memory that tasks share is a file, too, whose name leads nowhere. */
function inodeName(k: Kernel, o: ObjectValue): string {
  const { path, ino } = inodeAt(k, o);
  const text = JSON.stringify(path);
  return k.dcache.get(path) === ino ? `files[${text}]` : text;
}

function inodeSummary(k: Kernel, o: ObjectValue): string {
  const { path, nrpages } = inodeAt(k, o);
  const parts = [['dirty', dirtyPages(k, o)], ['under write-back', writebackPages(k, o)]] as const;
  return [`${path}: ${count(nrpages, 'page')} in the page cache`, ...parts.filter(([, pages]) => pages > 0).map(([what, pages]) => `${pages} ${what}`)].join(', ');
}

function inodeFields(): Map<string, Field> {
  const pages = (get: (k: Kernel, o: ObjectValue) => number): Field => ({ get, show: (_, value) => showPages(value) });
  return new Map<string, Field>([
    ...fieldsOf(inodeAt, ['path', 'ino', 'kind']),
    ...fieldsOf(inodeAt, ['size'], (size) => showBytes(size as number)),
    ['cached_pages', pages((k, o) => inodeAt(k, o).nrpages)],
    ['dirty_pages', pages(dirtyPages)],
    ['writeback_pages', pages(writebackPages)],
    ...fieldsOf(inodeAt, ['nrpages'], showPages),
    ['pages', { get: (_, o) => ({ ...o, kind: 'cached pages' }) }],
    ['disk', { get: (k, o) => (inodeAt(k, o).i_bdev < 0 ? 0 : diskValue(inodeAt(k, o).i_bdev)) }],
    ['extents', { get: (k, o) => inodeAt(k, o).extents.map(({ index, nr, block }) => ({ kind: 'extent', index, nr, block })) }],
    ['i_state', { get: (k, o) => inodeAt(k, o).i_state, show: (_, flags) => showFlags(flags as number, STATES) }],
    ...fieldsOf(inodeAt, ['dirtied_when', 'writeback_index']),
    ['flags', { get: (k, o) => inodeAt(k, o).flags, show: (_, flags) => showFlags(flags as number, ERRORS) }],
    ['vmas', { get: (k, o) => inodeAt(k, o).i_mmap.map((vma) => ({ kind: 'vma', vma })) }],
    ...fieldsOf(inodeAt, ['i_count', 'i_writecount', 'truncate_count']),
  ]);
}

/** The mark in the tree may outlive the flag of the page: the flag counts (WB-13). */
function dirtyPages(k: Kernel, o: ObjectValue): number {
  const marked = radix_tree_gang_lookup_tag(inodeAt(k, o).page_tree, 0, Infinity, PAGECACHE_TAG_DIRTY);
  return marked.filter(({ page }) => test_page_flag(k, page, PG_dirty)).length;
}

function writebackPages(k: Kernel, o: ObjectValue): number {
  return radix_tree_gang_lookup_tag(inodeAt(k, o).page_tree, 0, Infinity, PAGECACHE_TAG_WRITEBACK).length;
}

// ---- open files -------------------------------------------------------------------------------------------------------

function tableOf(k: Kernel, o: ObjectValue): readonly number[] {
  return k.tasks[id(o, 'pid')]!.files;
}

function descriptorsOf(k: Kernel, o: ObjectValue): number[] {
  return tableOf(k, o).flatMap((file, fd) => (file === 0 ? [] : [fd]));
}

/** A descriptor that names nothing is 0. */
function openAs(file: number): Value {
  return file === 0 ? 0 : openFileValue(file);
}

function fileAt(k: Kernel, o: ObjectValue): file {
  const file = k.files[id(o, 'file')] ?? null;
  if (file === null) throw new ValueError('this file was closed');
  return file;
}

function goneFile(k: Kernel, o: ObjectValue): string | undefined {
  return (k.files[id(o, 'file')] ?? null) === null ? 'a file that was closed' : undefined;
}

/** As an expression would find it again: by the descriptor of a task that has it open. Mappings have it open without one. */
function fileName(k: Kernel, o: ObjectValue): string {
  const gone = goneFile(k, o);
  if (gone !== undefined) return gone;
  const holder = k.tasks.find(({ files }) => files.includes(id(o, 'file')));
  return holder === undefined ? `open file ${id(o, 'file')}` : `${writtenName(k, holder)}.files[${holder.files.indexOf(id(o, 'file'))}]`;
}

function fileSummary(k: Kernel, o: ObjectValue): string {
  const { f_inode, f_pos, f_flags } = fileAt(k, o);
  return `${inode_of(k, f_inode).path} at ${f_pos}, ${showOpenFlags(f_flags)}`;
}

const ACCESS = ['O_RDONLY', 'O_WRONLY', 'O_RDWR', '3'];

function showOpenFlags(flags: number): string {
  const others = flags & ~3;
  return others === 0 ? ACCESS[flags & 3]! : `${ACCESS[flags & 3]!}|${showFlags(others, OPEN)}`;
}

function fileFields(): Map<string, Field> {
  return new Map<string, Field>([
    ['path', { get: (k, o) => inode_of(k, fileAt(k, o).f_inode).path }],
    ['inode', { get: (k, o) => inodeValue({ ino: fileAt(k, o).f_inode }) }],
    ['f_pos', { get: (k, o) => fileAt(k, o).f_pos }],
    ['f_flags', { get: (k, o) => fileAt(k, o).f_flags, show: (_, flags) => showOpenFlags(flags as number) }],
    ...fieldsOf(fileAt, ['f_mode', 'f_count']),
    ['ra', { get: (_, o) => ({ ...o, kind: 'ra_state' }) }],
  ]);
}

/** Windows as [first page, pages). */
function raSummary({ start, size, ahead_start, ahead_size, prev_page }: file_ra_state): string {
  const ahead = ahead_start === 0 ? 'none ahead' : `${ahead_size} ahead from ${ahead_start} on`;
  return size === 0 ? `no window, last page ${prev_page}` : `${size} from ${start} on, ${ahead}, last page ${prev_page}`;
}

function raFields(): Map<string, Field> {
  const of = (k: Kernel, o: ObjectValue): file_ra_state => fileAt(k, o).f_ra;
  return new Map<string, Field>([
    ...fieldsOf(of, ['start', 'size', 'ahead_start', 'ahead_size', 'prev_page']),
    ['flags', { get: (k, o) => of(k, o).flags, show: (_, flags) => showFlags(flags as number, READAHEAD) }],
    ...fieldsOf(of, ['cache_hit', 'mmap_hit', 'mmap_miss', 'ra_pages']),
  ]);
}
