// Files through the debugger: what the Page Cache and the LRU view ask for, disks and write-back in Variables, the kernel's own threads, write-back
// as an event.
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { CachedFileRow, FilePagesResponse, FilesResponse, LruPagesResponse, LruResponse, StripRow } from '../../debug-adapter/protocol.ts';
import type { Debugging } from './debugging.ts';
import { debug } from './with-session.ts';

const LOG_STRIP = `ccccmm${'c'.repeat(14)}www${'c'.repeat(9)}dd${'-'.repeat(30)}`;

async function files(session: Debugging, args = {}): Promise<FilesResponse> {
  return session.client.request<FilesResponse>('pagewalk/files', args);
}

async function file(session: Debugging, path: string): Promise<CachedFileRow> {
  return (await files(session)).files.find((one) => one.path === path)!;
}

function filePages(session: Debugging, ino: number, start: number, end: number): Promise<FilePagesResponse> {
  return session.client.request<FilePagesResponse>('pagewalk/filePages', { ino, start, end });
}

/** Cells by their first letters, `-` for what is not cached. */
function drawn({ cells }: StripRow): string {
  return cells.map((state) => (state === 'absent' ? '-' : state[0]!)).join('');
}

async function threads(session: Debugging): Promise<DebugProtocol.Thread[]> {
  return (await session.client.request<{ threads: DebugProtocol.Thread[] }>('threads')).threads;
}

async function value(session: Debugging, expression: string): Promise<string> {
  return (await session.evaluate(expression)).result;
}

describe('the page cache', () => {
  it('is told file by file, drawn and counted', () => debug('page-cache', { lines: ['first', 'here'] }, async (session) => {
    await session.stopped();
    const limits = { background_thresh: 1638, dirty_thresh: 6553 };
    assert.deepEqual(await files(session), { files: [], total: 0, dirty: { nr_dirty: 0, nr_writeback: 0, ...limits } });
    await session.go();
    const told = await files(session);
    const counts = ({ path, disk, size, pages, ...row }: CachedFileRow) =>
      [path, disk, size, pages, row.cached, row.dirty, row.writeback, row.mapped];
    assert.deepEqual(told.files.map(counts), [
      ['/data', 'sda', 32 * 2 ** 20, 8192, 16, 0, 0, 0], ['/var/log/big', 'sda', 262_144, 64, 34, 2, 3, 2],
    ]);
    assert.deepEqual(told.files.map(({ strip }) => [drawn(strip), strip.pages_per_cell]), [[`r${'-'.repeat(63)}`, 128], [LOG_STRIP, 1]]);
    assert.deepEqual([told.total, told.dirty], [2, { nr_dirty: 2, nr_writeback: 3, ...limits }]);
    assert.deepEqual((await files(session, { start: 1, count: 1 })).files.map(({ path }) => path), ['/var/log/big']);
  }));

  it('opens to the pages of a file, each with its state and the list it is on', () => debug('page-cache', { lines: ['here'] }, async (session) => {
    await session.stopped();
    const { ino } = await file(session, '/var/log/big');
    const { ranges, pages } = await filePages(session, ino, 0, 64);
    assert.deepEqual(ranges, []);
    assert.equal(pages.map(({ state }) => state[0]).join(''), LOG_STRIP.replaceAll('-', ''));
    assert.deepEqual(pages.map(({ index }) => index), Array.from({ length: 34 }, (_, i) => i));
    const shown = ({ index, flags, mapcount, count, lru, mapping }: (typeof pages)[number]) => ({ index, flags, mapcount, count, lru, mapping });
    assert.deepEqual([0, 4, 20, 33].map((at) => shown(pages[at]!)), [
      { index: 0, flags: 'PG_referenced|PG_uptodate|PG_lru|PG_mappedtodisk', mapcount: 0, count: 1, lru: 'inactive list', mapping: '/var/log/big' },
      { index: 4, flags: 'PG_referenced|PG_uptodate|PG_lru|PG_mappedtodisk', mapcount: 1, count: 2, lru: 'inactive list', mapping: '/var/log/big' },
      { index: 20, flags: 'PG_referenced|PG_uptodate|PG_lru|PG_private|PG_writeback|PG_mappedtodisk', mapcount: 0, count: 2, lru: 'inactive list', mapping: '/var/log/big' },
      { index: 33, flags: 'PG_referenced|PG_uptodate|PG_dirty|PG_lru|PG_private', mapcount: 0, count: 2, lru: 'inactive list', mapping: '/var/log/big' },
    ]);
    assert.deepEqual((await filePages(session, ino, 21, 34)).pages.map(({ index }) => index), [21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33]);
    assert.deepEqual(await filePages(session, 77, 0, 64), { ranges: [], pages: [] }, 'there is no such file');
  }));

  it('is told in ranges where a file has many pages, down to single ones', () => debug('page-cache', { lines: ['cached'] }, async (session) => {
    await session.stopped();
    const data = await file(session, '/data');
    assert.ok(data.cached >= 2048, 'all that was read is cached');
    assert.match(drawn(data.strip), /^c{16}[cpr]?-+$/);
    const top = await filePages(session, data.ino, 0, data.pages);
    assert.deepEqual(top.pages, []);
    assert.equal(top.ranges.reduce((sum, { cached }) => sum + cached, 0), data.cached);
    assert.deepEqual(top.ranges.slice(0, 2).map(({ start, end, cached }) => [start, end, cached]), [[0, 128, 128], [128, 256, 128]], 'only ranges that hold pages');
    const [first] = top.ranges;
    assert.equal(drawn(first!.strip), 'c'.repeat(64));
    assert.equal((await filePages(session, data.ino, first!.start, first!.end)).pages.length, 128);
  }));

  it('marks what a disk failed to read', () => debug('page-cache', { lines: ['broken'] }, async (session) => {
    await session.stopped();
    assert.match(session.client.output('stdout'), /\/broken: -5/);
    assert.equal(drawn((await file(session, '/broken')).strip), `eeee${'-'.repeat(12)}`);
  }));
});

describe('the LRU lists', () => {
  it('are told by zone, and pages from head to tail with whose they are', () => debug('page-cache', { lines: ['here'] }, async (session) => {
    await session.stopped();
    const { zones, pagevecs } = await session.client.request<LruResponse>('pagewalk/lru');
    assert.deepEqual(zones.map(({ name, node, zone_idx }) => [name, node, zone_idx]), [['DMA', 0, 0], ['Normal', 0, 2]]);
    const [, { nr_active, nr_inactive }] = zones as [unknown, (typeof zones)[number]];
    assert.deepEqual([nr_active, nr_inactive, await value(session, 'zones.NORMAL.nr_inactive == meminfo.Inactive / 4')], [3, 50, 'true']);
    const ask = (args: object) => session.client.request<LruPagesResponse>('pagewalk/lruPages', args);
    const list = { node: 0, zone_idx: 2, start: 0 };
    const { pages } = await ask({ ...list, list: 'inactive', end: nr_inactive });
    assert.deepEqual(pages.map(({ place }) => place), Array.from({ length: nr_inactive }, (_, i) => i));
    assert.deepEqual([pages[0], pages.at(-1)].map((page) => [page!.letters, page!.owner]), [['lf', '/data page 15'], ['rf', '/var/log/big page 0']]);
    const counted = (letter: string) => pages.filter(({ letters }) => letters.includes(letter)).length;
    assert.deepEqual(['d', 'w', 'l', 'm', 'a'].map(counted), [2, 3, 16, 2, 0]);
    const active = await ask({ ...list, list: 'active', end: nr_active });
    assert.deepEqual(active.pages.map(({ letters, owner }) => `${letters} ${owner.replace(/0x[0-9a-f]+/, 'ADDRESS')}`), Array<string>(3).fill('am logger ADDRESS'));
    assert.deepEqual((await ask({ ...list, list: 'inactive', start: 48, end: 50 })).pages.map(({ pfn }) => pfn), pages.slice(48).map(({ pfn }) => pfn), 'from the tail');
    assert.deepEqual(await ask({ ...list, zone_idx: 7, list: 'active', end: 9 }), { ranges: [], pages: [] });
    assert.equal(pagevecs.length, 1);
  }));

  it('have pages on their way in the pagevecs of each CPU', () => debug('page-cache', { lines: ['read'] }, async (session) => {
    await session.stopped();
    const { pagevecs } = await session.client.request<LruResponse>('pagewalk/lru');
    assert.deepEqual(pagevecs, [{ cpu: 0, inactive: 0, active: 1 }]);
    const { pages } = await session.client.request<LruPagesResponse>('pagewalk/lruPages', { list: 'lru_add_active', cpu: 0, start: 0, end: 14 });
    assert.deepEqual(pages.map(({ letters, flags }) => [letters, flags.includes('PG_lru')]), [['am', false]]);
  }));

  it('are told in parts where they are long', () => debug('page-cache', { lines: ['cached'] }, async (session) => {
    await session.stopped();
    const { zones } = await session.client.request<LruResponse>('pagewalk/lru');
    const { nr_inactive } = zones[1]!;
    const list = { list: 'inactive', node: 0, zone_idx: 2 };
    const { ranges, pages } = await session.client.request<LruPagesResponse>('pagewalk/lruPages', { ...list, start: 0, end: nr_inactive });
    assert.deepEqual([pages.length, ranges[0]!.start, ranges.at(-1)!.end], [0, 0, nr_inactive]);
    assert.ok(ranges.length <= 64);
    assert.equal(ranges.reduce((sum, { file: own, anonymous }) => sum + own + anonymous, 0), nr_inactive);
    const { start, end } = ranges[1]!;
    const part = await session.client.request<LruPagesResponse>('pagewalk/lruPages', { ...list, start, end });
    assert.deepEqual(part.pages.map(({ place }) => place), Array.from({ length: end - start }, (_, i) => start + i));
  }));
});

describe('looking at files', () => {
  it('changes nothing: no event is counted, no page is used', () => debug('page-cache', { lines: ['here'] }, async (session) => {
    await session.stopped();
    const state = async () => [await value(session, 'sum([events.dirty_limits, events.mm_lru_activate, events.mm_filemap_add_to_page_cache, now])'), await session.evaluate('proc zoneinfo', 'repl')];
    const before = await state();
    const { ino } = await file(session, '/var/log/big');
    await filePages(session, ino, 0, 64);
    await session.client.request('pagewalk/lruPages', { list: 'inactive', node: 0, zone_idx: 2, start: 0, end: 50 });
    for (const name of ['files', 'disks', 'writeback']) await session.open('Machine', name);
    const variables = ({ variablesReference: _, ...rest }: object & { variablesReference?: number }) => rest;
    assert.deepEqual((await state()).map((one) => (typeof one === 'string' ? one : variables(one))), before.map((one) => (typeof one === 'string' ? one : variables(one))));
  }));
});

describe('files in Variables', () => {
  it('are in the scope Machine, with disks, their queues and the limits', () => debug('page-cache', { lines: ['here'] }, async (session) => {
    await session.stopped();
    const rows = async (...path: string[]) => (await session.open('Machine', ...path)).map(({ name, value: text }) => `${name}: ${text}`);
    assert.ok((await rows('files')).includes('/var/log/big: /var/log/big: 34 pages in the page cache, 2 dirty, 3 under write-back'));
    const disk = await rows('disks', 'sda');
    for (const row of ['queue_length: 2', 'active: 0', 'plugged: 1', 'write_congested: 0', 'head: 32']) assert.ok(disk.includes(row), `${row} in ${disk.join(', ')}`);
    assert.deepEqual(await rows('disks', 'sda', 'requests'), ['[0]: write of 3 blocks from 20 on', '[1]: read of 16 blocks from 64 on']);
    const limits = await rows('writeback');
    for (const row of ['background_thresh: 1638 (6552 KiB)', 'dirty_thresh: 6553 (26212 KiB)']) assert.ok(limits.includes(row), `${row} in ${limits.join(', ')}`);
    assert.deepEqual(await rows('writeback', 'pdflush'), ['[0]: pdflush with pid 3: idle', '[1]: pdflush with pid 4: background_writeout']);
  }));

  it('are open in the scope Task, with position and readahead window', () => debug('page-cache', { lines: ['here'] }, async (session) => {
    await session.stopped();
    const rows = async (...path: string[]) => (await session.open('Task', 'files', ...path)).map(({ name, value: text }) => `${name}: ${text}`);
    assert.deepEqual(await rows(), ['3: /var/log/big at 0, O_RDWR', '4: /data at 0, O_RDONLY']);
    assert.deepEqual((await rows('3', 'ra')).slice(0, 5), ['start: 0', 'size: 4', 'ahead_start: 0', 'ahead_size: 0', 'prev_page: 0']);
  }));
});

describe('the kernel\'s own threads', () => {
  it('come after the scenario\'s tasks, begin and end unannounced, and show the stack they sleep in', () => debug('page-cache', { lines: ['here'] }, async (session) => {
    await session.stopped();
    const there = await threads(session);
    assert.deepEqual(there.map(({ name }) => name), ['logger', 'pdflush', 'pdflush']);
    const stack = (await session.stack({ threadId: there[2]!.id })).map(({ name }) => name);
    assert.deepEqual(stack, ['blk_congestion_wait', 'background_writeout', 'do_work', 'pdflush']);
    assert.deepEqual((await session.stack({ threadId: there[1]!.id })).map(({ name }) => name), ['pdflush']);
    assert.equal(await session.finish(), 0);
    const standsForTheEnd = session.client.events('stopped').at(-1)?.body.threadId as number;
    const told = session.client.events('thread').map(({ body }) => `${body.reason} ${body.threadId}`);
    assert.deepEqual(told, ['started 1', 'started 2', 'exited 2', 'exited 1', `exited ${standsForTheEnd}`]);
  }));

  it('are not left over when the run has ended', () => debug('page-cache', {}, async (session) => {
    assert.equal((await session.stopped()).reason, 'end');
    assert.deepEqual((await threads(session)).map(({ name }) => name), ['the scenario has ended']);
  }));
});

describe('write-back as an event', () => {
  it('stops where pages of a file begin to be written, whoever writes', () => debug('page-cache', { exceptions: { filters: ['writeback'] } }, async (session) => {
    const by = async (text: string | undefined): Promise<string> => `${text}: ${(await session.stack()).map(({ name }) => name).slice(-3).join(' < ')}`;
    assert.equal(await by((await session.stopped()).text), 'writeback(inode=/var/log/big) in pdflush: background_writeout < do_work < pdflush');
    assert.equal(await by((await session.go()).text), 'writeback(inode=/var/log/big) in logger: do_fsync < sys_fsync < logger');
    assert.equal(await by((await session.go()).text), 'writeback(inode=/var/log/big) in pdflush: wb_kupdate < do_work < pdflush');
    assert.equal(await session.finish(), 0);
  }));

  it('takes a condition on the file', () => debug('page-cache', {
    exceptions: { filters: [], filterOptions: [{ filterId: 'writeback', condition: 'inode.dirty_pages == 1' }] },
  }, async (session) => {
    await session.stopped();
    assert.equal((await session.stack()).at(-3)?.name, 'wb_kupdate');
    assert.equal(await session.finish(), 0);
  }));

  it('is told by a `stop on` of the scenario', () => debug('page-cache', {}, async (session) => {
    assert.equal((await session.stopped()).reason, 'end');
    const told = session.client.output('console').split('\n').filter((line) => line.includes(' writes '));
    assert.deepEqual(told, ['pdflush writes 3 of /var/log/big', 'logger writes 2 of /var/log/big', 'pdflush writes 1 of /var/log/big']);
  }));

  it('an I/O error is one by its tracepoint', () => debug('page-cache', { functions: ['file_io_error'] }, async (session) => {
    const stop = await session.stopped();
    assert.match(stop.text ?? '', /^file_io_error\(ino=\d+, index=3, rw=0\) in swapper$/);
    assert.deepEqual((await threads(session)).map(({ name }) => name), ['logger', 'swapper', 'pdflush', 'pdflush'], 'the end of a request is an interrupt');
    assert.deepEqual((await session.stack()).slice(0, 2).map(({ name }) => name), ['note_io_error', 'mpage_end_io_read']);
    assert.equal((await session.go()).text, stop.text?.replace('index=3', 'index=2'));
  }));
});
