// Breakpoints through every door, on the real adapter.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { enginePath, lineWith, markedLine, placeOf, scenarioPath, withoutPages } from './debugging.ts';
import { debug } from './with-session.ts';

describe('line breakpoints', () => {
  it('stop in the scenario, each named by its id', () => debug('walk', { lines: ['alloc', 'print'] }, async (session) => {
    const [alloc, print] = session.answers.lines;
    assert.deepEqual([alloc?.verified, alloc?.line, print?.verified, print?.line], [true, markedLine('walk', 'alloc'), true, markedLine('walk', 'print')]);
    const stop = await session.stopped();
    assert.deepEqual({ ...stop, threadId: 0 }, {
      reason: 'breakpoint', description: 'Stopped at a breakpoint', text: `walk.pagewalk:${alloc!.line}`, threadId: 0, allThreadsStopped: true, hitBreakpointIds: [alloc!.id],
    });
    assert.equal(await session.glance(), 'driver walk.pagewalk `let page = alloc_pages(GFP_KERNEL, SMALL)`: total = 0, i = 0');
    await session.setLines(['print']);
    assert.deepEqual((await session.go()).hitBreakpointIds, [print!.id]);
    assert.equal(await session.finish(), 0);
  }));

  it('stop in boot blocks and in defs', () => debug('walk', { lines: ['boot', 'return'] }, async (session) => {
    await session.stopped();
    assert.equal(await session.glance(), 'boot walk.pagewalk `let table = alloc_bootmem(4KiB)`: ');
    await session.go();
    assert.match(await session.glance(), /^twice walk\.pagewalk `return second`: gfp = GFP_KERNEL \(0xd0\), order = 4, first = page \d+.*, second = page \d+/);
  }));

  it('move to the next statement of their body, or are unverified with a reason', () => debug('walk', { lines: ['comment'] }, async (session) => {
    assert.deepEqual(session.answers.lines.map(({ verified, line }) => ({ verified, line })), [{ verified: true, line: markedLine('walk', 'print') }]);
    const answers = await session.setBreakpoints(scenarioPath('walk'), [{ line: 1 }, { line: lineWith(scenarioPath('walk'), 'return second') + 1 }, { line: 1000 }]);
    assert.deepEqual(answers.map(({ verified, message }) => ({ verified, message })), [
      { verified: false, message: 'Line 1 is in no function and no body, so the machine never comes to it.' },
      { verified: false, message: 'Line 20 is in no function and no body, so the machine never comes to it.' },
      { verified: false, message: 'Line 1000 is in no function and no body, so the machine never comes to it.' },
    ]);
  }));

  it('stop in the source of the engine', () => debug('walk', { engine: [{ file: 'mm/page_alloc.ts', at: 'area.nr_free--' }] }, async (session) => {
    assert.deepEqual(session.answers.engine.map(({ verified }) => verified), [true]);
    await session.stopped();
    const frame = await session.top();
    assert.equal(placeOf(frame), '__rmqueue page_alloc.ts `area.nr_free--;`');
    assert.equal(frame.source?.path, enginePath('mm/page_alloc.ts'));
    assert.deepEqual([frame.source?.origin, frame.source?.presentationHint], ['Pagewalk engine', 'normal']);
  }));

  it('take conditions over the locals of the place', () => debug('walk', {
    lines: [{ at: 'alloc', condition: 'i == 2 && total > SMALL' }],
    engine: [{ file: 'mm/page_alloc.ts', at: 'area.nr_free--', condition: 'current_order >= order && order == 4' }],
  }, async (session) => {
    await session.stopped();
    assert.equal((await session.evaluate('i', 'watch', (await session.top()).id)).result, '2');
    await session.go();
    const { id } = await session.top();
    assert.equal((await session.evaluate('order', 'watch', id)).result, '4');
  }));

  it('say what is wrong with a condition', () => debug('walk', { lines: ['alloc'] }, async (session) => {
    const line = markedLine('walk', 'add');
    const answers = await session.setBreakpoints(scenarioPath('walk'), [
      { line, condition: 'totl > 3' }, { line, condition: 'total >' }, { line, condition: 'alloc_pages(GFP_KERNEL, 0) != 0' }, { line, hitCondition: 'often' }, { line, logMessage: 'total {totl}' },
      { line, condition: 'nosuch(total) > 3' },
    ]);
    assert.deepEqual(answers.map(({ verified }) => verified), [false, false, false, false, false, false]);
    assert.match(answers[0]!.message!, /^`totl` is unknown in line \d+: it has `total`, `i`, `page`\. Did you mean `total`\?$/);
    assert.match(answers[1]!.message!, /^The condition `total >` is wrong: /);
    assert.match(answers[2]!.message!, /acts/);
    assert.equal(answers[3]!.message, '`often` is no hit condition. A hit condition is a number of passings, as `5`, `>5`, `>=5`, `<5`, `==5` or `%5` (every fifth).');
    assert.match(answers[4]!.message!, /`totl` is unknown/);
    assert.match(answers[5]!.message!, /`nosuch`/);
  }));

  for (const [hitCondition, expected] of [['2', ['1']], ['>2', ['2', '3']], ['>= 3', ['2', '3']], ['%2', ['1', '3']], ['==4', ['3']], ['<2', ['0']]] as const) {
    it(`count passings: ${hitCondition}`, () => debug('walk', { lines: [{ at: 'alloc', hitCondition }], launch: { stopAtEnd: false } }, async (session) => {
      const seen: string[] = [];
      for (const _ of expected) {
        if (seen.length > 0) await session.client.request('continue', { threadId: session.threadId });
        await session.stopped();
        seen.push((await session.evaluate('i', 'watch', (await session.top()).id)).result);
      }
      assert.deepEqual(seen, expected);
      assert.equal(await session.finish(), 0);
    }));
  }

  it('log instead of stopping', () => debug('walk', { lines: [{ at: 'add', logMessage: 'round {i}: {page.pfn > 0} {{}}', condition: 'i < 2' }], launch: { stopAtEnd: false } }, async (session) => {
    assert.equal(await session.exited(), 0);
    const logged = session.client.events('output').filter(({ body }) => (body.output as string).startsWith('round'));
    assert.equal(logged.map(({ body }) => body.output as string).join(''), 'round 0: true {}\nround 1: true {}\n');
    for (const { body } of logged) assert.deepEqual([body.source.path, body.line], [scenarioPath('walk'), markedLine('walk', 'add')]);
  }));

  it('say where they could stand', () => debug('walk', { lines: ['alloc'] }, async (session) => {
    const at = async (native: string, line: number) => {
      const { breakpoints } = await session.client.request<{ breakpoints: { line: number }[] }>('breakpointLocations', { source: { path: native }, line });
      return breakpoints;
    };
    assert.deepEqual(await at(scenarioPath('walk'), markedLine('walk', 'comment')), []);
    assert.deepEqual((await at(scenarioPath('walk'), markedLine('walk', 'add'))).map(({ line }) => line), [markedLine('walk', 'add')]);
    assert.equal((await at(enginePath('mm/page_alloc.ts'), lineWith(enginePath('mm/page_alloc.ts'), 'if (zonelist.zones.length === 0) return NO_PAGE;'))).length, 2);
  }));

  it('stop in an imported file', () => debug('imports', { launch: { stopOnEntry: true } }, async (session) => {
    await session.stopped();
    const library = scenarioPath('library');
    const [answer] = await session.setBreakpoints(library, [{ line: markedLine('library', 'back') - 1, condition: 'order == 2 && LENT' }]);
    assert.deepEqual([answer?.verified, answer?.line], [true, markedLine('library', 'back') - 1]);
    await session.go();
    assert.equal(await session.glance(), 'borrow library.pagewalk `let page = alloc_pages(GFP_KERNEL, order)`: order = 2');
    assert.equal((await session.top()).source?.path, library);
  }));

  it('keep their ids, and answer in the order of the request', () => debug('walk', { lines: ['alloc', 'add', 'free'] }, async (session) => {
    const [alloc, add, free] = session.answers.lines.map(({ id }) => id);
    assert.deepEqual((await session.setLines(['free', 'add', 'alloc'])).map(({ id }) => id), [free, add, alloc]);
    await session.setLines([]);
    assert.deepEqual((await session.setLines(['add'])).map(({ id }) => id), [add]);
  }));

  it('match a checkout by its text', () => debug('walk', { lines: ['alloc'] }, async (session) => {
    const checkout = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-'));
    const copy = path.join(checkout, 'src/engine/mm/page_alloc.ts');
    fs.mkdirSync(path.dirname(copy), { recursive: true });
    const text = fs.readFileSync(enginePath('mm/page_alloc.ts'), 'utf8');
    const line = lineWith(enginePath('mm/page_alloc.ts'), 'area.nr_free--');
    fs.writeFileSync(copy, text.replaceAll('\n', '\r\n'));
    assert.deepEqual((await session.setBreakpoints(copy, [{ line }])).map(({ verified }) => verified), [true]);
    fs.writeFileSync(copy, `// mine\n${text}`);
    assert.deepEqual((await session.setBreakpoints(copy, [{ line }])).map(({ verified, message }) => ({ verified, message })), [
      { verified: false, message: 'This text of engine/mm/page_alloc.ts differs from that of the engine which runs here, so its lines mean nothing to it.' },
    ]);
    const [foreign] = await session.setBreakpoints('/elsewhere/other.ts', [{ line: 1 }]);
    assert.equal(foreign?.message, 'other.ts belongs neither to the scenario that runs nor to the engine.');
    fs.rmSync(checkout, { recursive: true });
  }));
});

describe('function breakpoints', () => {
  const cases: [string, { name: string; condition?: string; hitCondition?: string }, string][] = [
    ['a family with a condition in the name', { name: 'alloc_pages order>3' }, 'alloc_pages(gfp_mask=GFP_KERNEL, order=4) in driver'],
    ['a condition in its own field', { name: 'alloc_pages', condition: 'order > 3' }, 'alloc_pages(gfp_mask=GFP_KERNEL, order=4) in driver'],
    ['a condition in both', { name: 'alloc_pages order > 0', condition: 'gfp_mask & __GFP_WAIT' }, 'alloc_pages(gfp_mask=GFP_KERNEL, order=4) in driver'],
    ['a function by its own name', { name: 'get_zeroed_page' }, 'get_zeroed_page(gfp_mask=GFP_KERNEL) in driver'],
    ['a hit condition', { name: '__free_pages', condition: 'order == 4', hitCondition: '2' }, '__free_pages(page=N, order=4) in driver'],
    ['a tracepoint', { name: 'kmem:mm_page_free order == 4' }, 'kmem:mm_page_free(page=N, pfn=N, order=4) in driver'],
    ['a pattern, and name what happened', { name: 'mm_page_f*', condition: 'order == 4' }, 'mm_page_free(page=N, pfn=N, order=4) in driver'],
    ['a pattern of functions', { name: '__alloc_page?', condition: 'order == 4' }, '__alloc_pages(gfp_mask=GFP_KERNEL, order=4) in driver'],
    ['members of a page', { name: '__free_pages page.pfn > 0 && order == 4' }, '__free_pages(page=N, order=4) in driver'],
  ];
  for (const [title, breakpoint, expected] of cases) {
    it(`take ${title}`, () => debug('walk', { functions: [breakpoint] }, async (session) => {
      assert.deepEqual(session.answers.functions.map(({ verified, message }) => ({ verified, message })), [{ verified: true, message: undefined }]);
      const stop = await session.stopped();
      assert.deepEqual([stop.reason, withoutPages(stop.description), withoutPages(stop.text), stop.hitBreakpointIds], ['function breakpoint', expected, expected, [session.answers.functions[0]!.id]]);
    }));
  }

  it('stop once for each request of a family', () => debug('walk', { functions: ['alloc_pages order == 0'], lines: ['call'] }, async (session) => {
    const reasons: string[] = [];
    do reasons.push((await session.stopped()).reason);
    while (reasons.at(-1) !== 'breakpoint' && (await session.client.request('continue', { threadId: session.threadId }), true));
    assert.deepEqual(reasons, [...Array<string>(4).fill('function breakpoint'), 'breakpoint']);
  }));

  it('stand at the first statement of the function', () => debug('walk', { functions: ['alloc_pages order>3'] }, async (session) => {
    await session.stopped();
    assert.match(await session.glance(), /^__alloc_pages page_alloc\.ts `if \(zonelist\.zones\.length === 0\) return NO_PAGE;`: gfp_mask = GFP_KERNEL \(0xd0\), order = 4, zonelist = /);
  }));

  it('say why they stop nowhere', () => debug('walk', {
    functions: ['shrink_zone priority < 3', 'vmscan:mm_vmscan_lru_isolate', 'sched_switch', 'elephant_pages', 'alloc_pags', 'order>3', 'alloc_pages ordr>3', 'show_mem', 'nothing_like_*', '', 'trace_mm_page_free nosuch == 1', 'alloc_pages order >'],
  }, async (session) => {
    const nearest = /(?<=^No function or tracepoint is called `\w+`\.) (?:The nearest are|Did you mean) `.*/;
    assert.deepEqual(session.answers.functions.map(({ verified, message }) => `${verified} ${message?.replace(nearest, ' It names some that are near.')}`), [
      'false `shrink_zone` is not modelled yet.',
      'false `vmscan:mm_vmscan_lru_isolate` is not modelled yet.',
      'false `sched_switch` is recorded, but the debugger does not watch it: the scheduler\'s own loop passes no hook.',
      'false No function or tracepoint is called `elephant_pages`. It names some that are near.',
      'false No function or tracepoint is called `alloc_pags`. It names some that are near.',
      'false No function or tracepoint is called `order`. It names some that are near.',
      'false `ordr` is unknown in `alloc_pages`: it has `gfp_mask`, `order`, `zonelist`. Did you mean `order`?',
      'false `show_mem` is a function of the engine that the debugger does not watch: it is plumbing below the kernel\'s own functions.',
      'false No function and no tracepoint fits the pattern `nothing_like_*`.',
      'false `` names no function: write a name, a pattern, or a name and a condition, as `alloc_pages order>3`.',
      'false `nosuch` is unknown in `trace_mm_page_free`: it has `page`, `pfn`, `order`.',
      session.answers.functions[11]!.message!.replace(/^/, 'false '),
    ]);
    assert.match(session.answers.functions[11]!.message!, /^The condition `order >` is wrong: /);
    assert.match(session.answers.functions[4]!.message!, /Did you mean `alloc_page`, `alloc_pages` or /);
  }));
});

describe('breakpoints while the machine runs', () => {
  it('are answered at once and take effect', () => debug('long', {}, async (session) => {
    await assert.rejects(session.stack({ threadId: 1 }), /^Error: notStopped$/);
    const started = performance.now();
    const [answer] = await session.setLines([{ at: 'free', hitCondition: '3' }]);
    assert.equal(answer?.verified, true);
    assert.ok(performance.now() - started < 500, 'it was answered at once');
    assert.deepEqual((await session.stopped()).hitBreakpointIds, [answer?.id]);
  }));
});
