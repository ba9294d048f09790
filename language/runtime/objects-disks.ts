/** Disks with their queues, and write-back: its limits and its threads (KERNEL.md WB-3, WB-10, WB-14). */
import type { Kernel, gendisk, pdflush_work, request, super_block } from '../../engine/index.ts';
import { BDI_read_congested, BDI_write_congested, PAGE_SIZE, SECTORS_PER_BLOCK, dirty_limits } from '../../engine/index.ts';
import type { Field, Kind } from './kinds.ts';
import { fieldsOf, id, indexedBy, showBytes, showPages } from './kinds.ts';
import { count, showTime } from './words.ts';
import type { ObjectValue, Value } from './values.ts';

export function diskValue(disk: number): ObjectValue {
  return { kind: 'disk', disk };
}

export const DISK_KINDS: readonly [string, Kind][] = [
  ['disks', {
    name: () => 'disks',
    summary: (k) => count(k.block.disks.length, 'disk'),
    names: (k) => k.block.disks.map(({ disk_name }) => disk_name),
    lookUp: (k, _, name) => found(k.block.disks.find(({ disk_name }) => disk_name === name)),
    indexed: indexedBy((k) => k.block.disks, (disk) => diskValue(disk.id)),
    hidesIndexed: true,
  }],
  ['disk', { name: (k, o) => `disks.${diskAt(k, o).disk_name}`, summary: diskSummary, fields: diskFields() }],
  ['requests', {
    name: (k, o) => `disks.${diskAt(k, o).disk_name}.requests`,
    summary: (k, o) => count(diskAt(k, o).queue.queue_head.length, 'request'),
    indexed: indexedBy((k, o) => diskAt(k, o).queue.queue_head, (request) => requestValue(request)),
  }],
  ['request', {
    name: (_, o) => requestText(o),
    fields: new Map((['rw', 'block', 'blocks'] as const).map((name): [string, Field] => [name, { get: (_, o) => o[name]! }])),
  }],
  ['writeback', { name: () => 'writeback', summary: writebackSummary, fields: writebackFields() }],
  ['pdflush list', {
    name: () => 'writeback.pdflush',
    summary: (k) => count(threadsOf(k).length, 'thread'),
    indexed: indexedBy(threadsOf, ({ pid }) => ({ kind: 'pdflush', pid })),
  }],
  ['pdflush', { name: (_, o) => `pdflush with pid ${id(o, 'pid')}`, summary: threadSummary, gone: goneThread, fields: threadFields() }],
];

// ---- disks ------------------------------------------------------------------------------------------------------------

function found(disk: gendisk | undefined): { value: Value } | undefined {
  return disk === undefined ? undefined : { value: diskValue(disk.id) };
}

function diskAt(k: Kernel, o: ObjectValue): gendisk {
  return k.block.disks[id(o, 'disk')]!;
}

function fileSystemOf(k: Kernel, o: ObjectValue): super_block {
  return k.super_blocks[id(o, 'disk')]!;
}

/** Requests that wait, and the one that is served. */
function queueLength({ queue }: gendisk): number {
  return queue.queue_head.length + (queue.active === null ? 0 : 1);
}

function diskSummary(k: Kernel, o: ObjectValue): string {
  const disk = diskAt(k, o);
  const congested = [['reads', isCongested(disk, BDI_read_congested)], ['writes', isCongested(disk, BDI_write_congested)]] as const;
  const full = congested.filter(([, is]) => is === 1).map(([what]) => `, congested with ${what}`);
  return `${disk.disk_name}, ${showBytes(disk.capacity * PAGE_SIZE)}: ${count(queueLength(disk), 'request')}${full.join('')}`;
}

function isCongested({ queue }: gendisk, bit: number): number {
  return (queue.backing_dev_info.state & bit) === 0 ? 0 : 1;
}

function diskFields(): Map<string, Field> {
  const of = (get: (disk: gendisk) => Value): Field => ({ get: (k, o) => get(diskAt(k, o)) });
  return new Map<string, Field>([
    ['name', of(({ disk_name }) => disk_name)],
    ['size', { get: (k, o) => diskAt(k, o).capacity * PAGE_SIZE, show: (_, bytes) => showBytes(bytes as number) }],
    ['seek', { get: (k, o) => diskAt(k, o).seek, show: (_, ns) => showTime(ns as number) }],
    ['bandwidth', { get: (k, o) => diskAt(k, o).bandwidth, show: (_, bytes) => `${showBytes(bytes as number)}/s` }],
    ['queue_length', of(queueLength)],
    ['active', of(({ queue }) => (queue.active === null ? 0 : requestValue(queue.active)))],
    ['requests', { get: (_, o) => ({ ...o, kind: 'requests' }) }],
    ['reads', of(({ queue }) => queue.rq.count[0])],
    ['writes', of(({ queue }) => queue.rq.count[1])],
    ['read_congested', of((disk) => isCongested(disk, BDI_read_congested))],
    ['write_congested', of((disk) => isCongested(disk, BDI_write_congested))],
    ['head', of(({ head }) => (head < 0 ? -1 : head / SECTORS_PER_BLOCK))],
    ['plugged', of(({ queue }) => queue.plugged)],
    ['ra_pages', of(({ queue }) => queue.backing_dev_info.ra_pages)],
    ['free_blocks', { get: (k, o) => fileSystemOf(k, o).free.reduce((sum, { nr }) => sum + nr, 0) }],
    ['dirty_files', { get: (k, o) => [...fileSystemOf(k, o).s_io, ...fileSystemOf(k, o).s_dirty].map((ino) => ({ kind: 'inode', ino })) }],
  ]);
}

/** A request has no name: it is what it was when it was looked at. */
function requestValue({ sector, nr_sectors, rw }: request): ObjectValue {
  return { kind: 'request', rw: rw === 0 ? 'read' : 'write', block: sector / SECTORS_PER_BLOCK, blocks: nr_sectors / SECTORS_PER_BLOCK };
}

function requestText(o: ObjectValue): string {
  return `${String(o['rw'])} of ${count(id(o, 'blocks'), 'block')} from ${id(o, 'block')} on`;
}

// ---- write-back -------------------------------------------------------------------------------------------------------

function writebackSummary(k: Kernel): string {
  const { background, dirty } = dirty_limits(k, null);
  return `in the background from ${background} dirty pages on, by the writer from ${dirty} on`;
}

function writebackFields(): Map<string, Field> {
  const pages = (get: (k: Kernel) => number): Field => ({ get: (k) => get(k), show: (_, value) => showPages(value) });
  const state = (k: Kernel): Kernel['writeback'] => k.writeback;
  return new Map<string, Field>([
    ['background_thresh', pages((k) => dirty_limits(k, null).background)],
    ['dirty_thresh', pages((k) => dirty_limits(k, null).dirty)],
    ...fieldsOf(state, ['total_pages', 'ratelimit_pages'], showPages),
    ...fieldsOf(state, ['dirty_exceeded']),
    ['next_kupdate', { get: (k) => (k.timers.wb_timer === Infinity ? 0 : k.timers.wb_timer), show: (_, ns) => (ns === 0 ? 'never' : `${String(ns)} ns`) }],
    ['pdflush', { get: () => ({ kind: 'pdflush list' }) }],
  ]);
}

function threadsOf(k: Kernel): readonly pdflush_work[] {
  return k.writeback.pdflush.threads;
}

function threadAt(k: Kernel, o: ObjectValue): pdflush_work {
  return threadsOf(k).find(({ pid }) => pid === o['pid'])!;
}

function goneThread(k: Kernel, o: ObjectValue): string | undefined {
  return threadsOf(k).some(({ pid }) => pid === o['pid']) ? undefined : 'a pdflush thread that has ended';
}

function threadSummary(k: Kernel, o: ObjectValue): string {
  const { pid, fn } = threadAt(k, o);
  return `pdflush with pid ${pid}: ${fn === '' ? 'idle' : fn}`;
}

function threadFields(): Map<string, Field> {
  return new Map<string, Field>([
    ['task', { get: (_, o) => ({ kind: 'task', pid: o['pid']! }) }],
    ...fieldsOf(threadAt, ['fn', 'arg0', 'when_i_went_to_sleep']),
  ]);
}
