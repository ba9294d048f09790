// What a stopped machine shows: stack, scopes, variables, expressions, /proc, zones.
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ZonesResponse } from '../../debug-adapter/protocol.ts';
import { enginePath, placeOf, scenarioPath } from './debugging.ts';
import { debug } from './with-session.ts';

const AT_ORDER_4 = { functions: ['get_page_from_freelist order>3'] };

const names = (rows: readonly DebugProtocol.Variable[]): string[] => rows.map(({ name }) => name);
const valueOf = (rows: readonly DebugProtocol.Variable[], name: string): string | undefined => rows.find((row) => row.name === name)?.value;

describe('the stack', () => {
  it('has the kernel above the scenario', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    const frames = await session.stack();
    assert.deepEqual(frames.map(({ name }) => name), ['get_page_from_freelist', '__alloc_pages', 'alloc_pages_node', 'alloc_pages', 'twice', 'driver']);
    assert.deepEqual(frames.slice(-2).map(placeOf), ['twice walk.pagewalk `let first = alloc_pages(gfp, order)`', 'driver walk.pagewalk `let kept = twice(GFP_KERNEL, 4)`']);
    assert.deepEqual([frames[0]?.source?.path, frames.at(-1)?.source?.path], [enginePath('mm/page_alloc.ts'), scenarioPath('walk')]);
    assert.ok(frames.every(({ line, column, endLine, endColumn }) => line > 0 && column > 0 && endLine! >= line && endColumn! > 0));
  }));

  it('comes in pieces, each frame with one id', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    const whole = await session.stack();
    const [first, rest] = [await session.stack({ startFrame: 0, levels: 1 }), await session.stack({ startFrame: 1, levels: 19 })];
    assert.deepEqual([...first, ...rest], whole);
    const { totalFrames } = await session.client.request<{ totalFrames: number }>('stackTrace', { threadId: session.threadId, startFrame: 2, levels: 1 });
    assert.equal(totalFrames, whole.length);
  }));
});

describe('variables', () => {
  it('show the locals of any frame', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    const frames = await session.stack();
    const localsOf = async (name: string) => {
      const { Locals } = await session.scopes(frames.find((frame) => frame.name === name)!.id);
      return (await session.variables(Locals!.variablesReference)).map((row) => `${row.name} = ${row.value}`);
    };
    assert.deepEqual(await localsOf('alloc_pages'), ['gfp_mask = GFP_KERNEL (0xd0)', 'order = 4']);
    assert.deepEqual(await localsOf('twice'), ['gfp = GFP_KERNEL (0xd0)', 'order = 4']);
    assert.deepEqual((await localsOf('driver')).length, 1);
  }));

  it('show a tracepoint\'s fields after the locals of the function that passes it', () => debug('walk', { functions: ['mm_page_alloc order > 3'] }, async (session) => {
    await session.stopped();
    const top = await session.top();
    assert.equal(top.name, 'buffered_rmqueue');
    const { Locals } = await session.scopes(top.id);
    const shown = names(await session.variables(Locals!.variablesReference));
    assert.deepEqual(shown, ['zone', 'zonelist', 'cold', 'page', 'pfn', 'order', 'migratetype', 'gfp_flags']);
  }));

  it('open the machine down to a free block', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    const scopes = await session.scopes((await session.top()).id);
    assert.deepEqual(Object.keys(scopes), ['Locals', 'Task', 'Machine']);
    assert.deepEqual(names(await session.open('Machine')).slice(0, 7), ['nodes', 'mem_map', 'caches', 'mempools', 'vmlist', 'processes', 'vmstat']);
    const zone = await session.open('Machine', 'nodes', '[0]', 'zones', 'NORMAL');
    for (const name of ['free_pages', 'pages_min', 'pages_low', 'pages_high', 'lowmem_reserve', 'free_area', 'pcp']) assert.ok(names(zone).includes(name), `a zone shows ${name}`);
    const areas = await session.open('Machine', 'nodes', '[0]', 'zones', 'NORMAL', 'free_area');
    assert.equal(areas.length, 11);
    const largest = await session.open('Machine', 'nodes', '[0]', 'zones', 'NORMAL', 'free_area', areas[10]!.name);
    const blocks = largest.find(({ indexedVariables }) => (indexedVariables ?? 0) > 0) ?? areas[10]!;
    const [block] = await session.variables(blocks.variablesReference, { filter: 'indexed', start: 0, count: 1 });
    assert.match(block!.value, /^page \d+/);
    assert.equal(valueOf(await session.variables(block!.variablesReference), 'order'), '10');
    assert.ok(names(await session.open('Machine', 'nodes', '[0]', 'zones', 'NORMAL', 'pcp')).length > 0);
  }));

  it('page through mem_map', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    const memMap = (await session.open('Machine')).find(({ name }) => name === 'mem_map')!;
    assert.equal(memMap.indexedVariables, 16_384);
    const page = await session.variables(memMap.variablesReference, { filter: 'indexed', start: 16_300, count: 100 });
    assert.deepEqual([page.length, page[0]?.name, page.at(-1)?.name], [84, '[16300]', '[16383]']);
    assert.deepEqual(await session.variables(memMap.variablesReference, { filter: 'indexed', start: 20_000, count: 100 }), []);
    const fields = await session.variables(page[0]!.variablesReference);
    for (const name of ['flags', '_count', '_mapcount', 'lru', 'zone']) assert.ok(names(fields).includes(name), `a page shows ${name}`);
  }));

  it('are nothing where the reference is stale', () => debug('walk', { lines: ['alloc', 'add'] }, async (session) => {
    await session.stopped();
    const frame = await session.top();
    const { Locals, Machine } = await session.scopes(frame.id);
    await session.go();
    assert.deepEqual(await session.variables(Locals!.variablesReference), []);
    assert.deepEqual(await session.variables(Machine!.variablesReference), []);
    assert.deepEqual(await session.scopes(frame.id), {});
    const later = await session.scopes((await session.top()).id);
    assert.ok(later['Locals']!.variablesReference > Machine!.variablesReference, 'no reference is used twice');
  }));
});

describe('evaluate', () => {
  it('takes the language in every context', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    const [top, , , , twice] = await session.stack();
    const cases: [string, 'watch' | 'hover' | 'repl' | 'clipboard', number | undefined, RegExp][] = [
      ['order', 'watch', top!.id, /^4$/],
      ['gfp_mask & __GFP_WAIT', 'hover', top!.id, /^16$/],
      ['1 << order', 'repl', twice!.id, /^16$/],
      ['hex(gfp)', 'clipboard', twice!.id, /^"?0xd0"?$/],
      ['zones.NORMAL.free_pages > 1000', 'watch', undefined, /^true$/],
      ['SMALL', 'watch', twice!.id, /^0$/],
      ['current.comm', 'repl', undefined, /^"?driver"?$/],
    ];
    for (const [text, context, frame, expected] of cases) assert.match((await session.evaluate(text, context, frame)).result, expected, text);
    const opened = await session.evaluate('zones.NORMAL', 'watch', top!.id);
    assert.ok(names(await session.variables(opened.variablesReference)).includes('free_area'));
  }));

  it('shows a name as the Variables view does', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    const stack = await session.stack();
    const frameOf = (name: string): number => stack.find((frame) => frame.name === name)!.id;
    const valueIn = async (frame: string, text: string): Promise<string> => (await session.evaluate(text, 'hover', frameOf(frame))).result;
    const { Locals } = await session.scopes(frameOf('__alloc_pages'));
    const shown = await session.variables(Locals!.variablesReference);
    for (const { name, value } of shown) assert.equal(await valueIn('__alloc_pages', name), value, name);
    assert.equal(valueOf(shown, 'zonelist'), 'Normal, DMA');
    assert.equal(await valueIn('twice', 'gfp'), 'GFP_KERNEL (0xd0)');
    assert.equal(await valueIn('twice', 'gfp & 16'), '16');
    const [flags] = (await session.variables((await session.evaluate('page(300)')).variablesReference)).filter(({ name }) => name === 'flags');
    assert.equal((await session.evaluate('page(300).flags')).result, flags!.value);
    assert.match(flags!.value, /[A-Za-z]/);
  }));

  it('reads members of a page that the engine knows by its number', () => debug('walk', { functions: ['__free_pages order == 4'] }, async (session) => {
    await session.stopped();
    const { id } = await session.top();
    const [page] = await session.open('Locals');
    assert.equal(page!.evaluateName, 'page');
    for (const row of await session.variables(page!.variablesReference)) assert.equal((await session.evaluate(row.evaluateName!, 'watch', id)).result, row.value, row.evaluateName);
    assert.match((await session.evaluate('page + 0', 'watch', id)).result, /^\d+$/);
  }));

  it('gives members names that lead to them again', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    const frame = (await session.top()).id;
    const check = async (reference: number, depth: number): Promise<void> => {
      for (const row of (await session.variables(reference, { start: 0, count: 3 })).slice(0, 12)) {
        assert.equal((await session.evaluate(row.evaluateName!, 'watch', frame)).result, row.value, row.evaluateName);
        if (depth > 0 && row.variablesReference > 0) await check(row.variablesReference, depth - 1);
      }
    };
    const roots = ['zones.NORMAL', ' nodes[0] ', 'zonelist', 'true ? zones.NORMAL : zones.DMA', 'page(300)'];
    for (const text of roots) await check((await session.evaluate(text, 'watch', frame)).variablesReference, 2);
    const rows = await session.variables((await session.evaluate('zones.NORMAL', 'watch', frame)).variablesReference);
    assert.equal(rows.find(({ name }) => name === 'free_area')!.evaluateName, 'zones.NORMAL.free_area');
    const chosen = await session.variables((await session.evaluate('true ? zones.NORMAL : zones.DMA', 'watch', frame)).variablesReference);
    assert.equal(chosen.find(({ name }) => name === 'free_area')!.evaluateName, '(true ? zones.NORMAL : zones.DMA).free_area');
  }));

  it('refuses a frame that is gone', () => debug('walk', { lines: ['alloc', 'add'] }, async (session) => {
    await session.stopped();
    const { id } = await session.top();
    await session.go();
    await assert.rejects(session.evaluate('total', 'watch', id), /^Error: This frame is gone: the machine has gone on since\.$/);
    await assert.rejects(session.evaluate('1', 'watch', 99_999), /This frame is gone/);
  }));

  it('answers mistakes in words', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    await assert.rejects(session.evaluate('ordr'), /ordr/);
    await assert.rejects(session.evaluate('1 +'), /Expected a value/);
    await assert.rejects(session.evaluate('1 / 0'), /zero/i);
    await assert.rejects(session.evaluate('alloc_pages(GFP_KERNEL, 0)', 'repl'), /acts/);
    await assert.rejects(session.evaluate('proc nothing', 'repl'), /This machine has no \/proc\/nothing\. It has buddyinfo/);
  }));

  it('prints /proc files in the console', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    assert.match((await session.evaluate('proc buddyinfo', 'repl')).result, /^Node 0, zone +DMA( +\d+){11} *\nNode 0, zone +Normal( +\d+){11} *\n$/);
    assert.match((await session.evaluate('  proc meminfo ', 'repl')).result, /^MemTotal: +\d+ kB\n/);
    await assert.rejects(session.evaluate('proc buddyinfo', 'watch'));
  }));
});

describe('caches, pools and areas', () => {
  it('open in the Machine scope, down to an object, and are told to the Zones view', () => debug('allocators', { lines: ['end'] }, async (session) => {
    await session.stopped();
    const cache = await session.open('Machine', 'caches', 'mine');
    assert.deepEqual(['object_size', 'active_objs', 'num_slabs', 'flags'].map((name) => valueOf(cache, name)), ['128', '16', '1', 'SLAB_HWCACHE_ALIGN']);
    const [first, second] = await session.open('Machine', 'caches', 'mine', 'array', '[0]', 'entry');
    assert.match(`${first!.value} ${second!.value}`, /^(0xc1[\da-f]{6}): free, kept by CPU 0 0xc1[\da-f]{6}: free, kept by CPU 0$/);
    const objects = await session.open('Machine', 'caches', 'mine', 'slabs', '[0]', 'objects');
    assert.equal(objects.filter(({ value }) => value.endsWith(': in use')).length, 1);
    assert.deepEqual((await session.open('Machine', 'mempools')).map(({ name, value }) => `${name}: ${value}`), ['driver-0: 2 of 2 in reserve, blocks of 8 KiB']);
    const [area] = await session.open('Machine', 'vmlist');
    assert.equal(area!.value, '0xc4800000 … 0xc4806000: VM_ALLOC, 5 pages');
    const answer = await session.client.request<ZonesResponse>('pagewalk/zones');
    const { name, object_size, active_objs, num_slabs } = answer.caches!.find((row) => row.name === 'mine')!;
    assert.deepEqual({ name, object_size, active_objs, num_slabs }, { name: 'mine', object_size: 128, active_objs: 16, num_slabs: 1 });
    assert.deepEqual(answer.pools, [{ name: 'driver-0', of: 'blocks of 8 KiB', min_nr: 2, curr_nr: 2, waiting: 0 }]);
    assert.deepEqual(answer.vmalloc, [{ addr: '0xc4800000', size: 24576, nr_pages: 5, flags: 'VM_ALLOC' }]);
  }));
});

describe('a kernel address of x86_64', () => {
  it('is unsigned and in hex in the locals of a kernel function', () => debug('x86-64', { functions: ['kfree'] }, async (session) => {
    await session.stopped();
    const { Locals } = await session.scopes((await session.top()).id);
    assert.match(valueOf(await session.variables(Locals!.variablesReference), 'objp')!, /^0xffff8100\w{8}$/);
  }));

  it('is unsigned in conditions and log texts', () => debug('x86-64', {
    functions: ['kfree objp > 0xffff_8100_0000_0000'],
    engine: [{ file: 'mm/kmalloc.ts', at: 'virt_to_cache(k, objp)', logMessage: 'frees {hex(objp)}', condition: 'objp >= 0xffff_8100_0000_0000' }],
  }, async (session) => {
    await session.stopped();
    assert.equal((await session.top()).name, 'kfree');
    await session.go();
    assert.match(session.client.output('console'), /frees 0xffff8100\w{8}/);
  }));
});

describe('pagewalk/zones', () => {
  it('gives every zone as it stands', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    const { nodes } = await session.client.request<ZonesResponse>('pagewalk/zones');
    const normal = nodes[0]!.zones.find(({ name }) => name === 'Normal')!;
    assert.equal(normal.free_pages, normal.free_area.reduce((sum, { order, nr_free }) => sum + (nr_free << order), 0));
    assert.equal(String(normal.free_pages), (await session.evaluate('0 + zones.NORMAL.free_pages')).result);
    assert.deepEqual(normal.pagesets.map(({ cpu }) => cpu), [0]);
  }));
});

describe('sources', () => {
  it('of the engine are listed and can be read', () => debug('walk', AT_ORDER_4, async (session) => {
    await session.stopped();
    const { sources } = await session.client.request<{ sources: DebugProtocol.Source[] }>('loadedSources');
    const source = sources.find(({ path }) => path === enginePath('mm/page_alloc.ts'));
    assert.ok(source);
    const { content } = await session.client.request<{ content: string }>('source', { source, sourceReference: 0 });
    assert.match(content, /get_page_from_freelist/);
    await assert.rejects(session.client.request('source', { source: { path: '/etc/hostname' }, sourceReference: 0 }), /belongs neither/);
  }));
});
