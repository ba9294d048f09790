// Breakpoints on what happens: `stop on`, exception filters, and what of the boot is heard.
import assert from 'node:assert/strict';
import { markedLine, withoutPages } from './debugging.ts';
import { debug } from './with-session.ts';

describe('stop on', () => {
  it('stops, counts and logs', () => debug('stops', {}, async (session) => {
    const first = await session.stopped();
    assert.deepEqual([first.reason, withoutPages(first.text), first.hitBreakpointIds], ['function breakpoint', 'mm_page_free(page=N, pfn=N, order=2) in driver', []]);
    const second = await session.go();
    assert.equal(second.text, 'alloc_pages(gfp_mask=GFP_KERNEL, order=3) in driver');
    assert.match(session.client.output('console'), /order 1 for driver, \{braces\}\n/);
    assert.equal((await session.go()).reason, 'breakpoint');
    assert.equal((await session.top()).line, markedLine('stops', 'breakpoint'));
    assert.equal(await session.finish(), 0);
  }));

  it('can be switched off', () => debug('stops', { launch: { stopOnStopStatements: false } }, async (session) => {
    assert.equal(await session.exited(), 0);
    assert.doesNotMatch(session.client.output('console'), /order 1 for/);
  }));
});

describe('exception filters', () => {
  it('stop at an allocation failure', () => debug('fails', { exceptions: { filters: ['allocation_failure'] } }, async (session) => {
    assert.deepEqual(session.answers.exceptions.map(({ verified }) => verified), [true]);
    const stop = await session.stopped();
    assert.deepEqual([stop.reason, stop.text, stop.hitBreakpointIds], ['exception', 'allocation_failure(order=9, gfp_flags=GFP_ATOMIC|__GFP_NOWARN) in greedy', [session.answers.exceptions[0]!.id]]);
    assert.deepEqual(await session.client.request('exceptionInfo', { threadId: session.threadId }), {
      exceptionId: 'allocation_failure', description: stop.text, breakMode: 'always',
    });
  }));

  it('take conditions, and refuse what is unknown', () => debug('fails', {
    exceptions: { filters: ['oom'], filterOptions: [{ filterId: 'kswapd_wake', condition: 'order == 9' }, { filterId: 'allocation_failure', condition: 'size > 3' }] },
  }, async (session) => {
    assert.deepEqual(session.answers.exceptions.map(({ verified, message }) => `${verified} ${message ?? ''}`), [
      'false There is no exception filter `oom`.',
      'true ',
      'false `size` is unknown in `trace_mm_page_alloc_failure`: it has `order`, `gfp_flags`.',
    ]);
    assert.match((await session.stopped()).text!, /^kswapd_wake\(nid=0, zid=\d, order=9, /);
  }));

  it('stop at a BUG of the kernel, and the run fails', () => debug('bug', { exceptions: { filters: ['bug'] } }, async (session) => {
    const stop = await session.stopped();
    assert.match(stop.text!, /^bug\(.*c0100000 is in no slab\) in careless$/);
    assert.deepEqual([stop.reason, stop.hitBreakpointIds], ['exception', [session.answers.exceptions[0]!.id]]);
    assert.deepEqual((await session.stack()).map(({ name }) => name).slice(-2), ['kfree', 'careless']);
    assert.equal(await session.finish(), 1);
    assert.match(session.client.output('stderr'), /kernel BUG at mm\/slab\.c/);
  }));

  it('stop at a failed expectation', () => debug('fails', { exceptions: { filters: ['failed_expectation'] } }, async (session) => {
    const stop = await session.stopped();
    assert.deepEqual([stop.reason, (await session.top()).line], ['exception', markedLine('fails', 'expect')]);
  }));

  it('stop at a failed expectation of the top level, before the end', () => debug('last-word', { exceptions: { filters: ['failed_expectation'] } }, async (session) => {
    const stop = await session.stopped();
    assert.deepEqual([stop.reason, stop.text, stop.hitBreakpointIds], [
      'exception', 'expectation failed: zones.DMA.free_pages < 0 (too many)', [session.answers.exceptions[0]!.id],
    ]);
    assert.equal((await session.top()).line, markedLine('last-word', 'expect'));
    const { threads } = await session.client.request<{ threads: { id: number }[] }>('threads');
    assert.deepEqual(threads.map(({ id }) => id), [session.threadId]);
    assert.deepEqual(await session.client.request('exceptionInfo', { threadId: session.threadId }), {
      exceptionId: 'failed_expectation', description: stop.text, breakMode: 'always',
    });
    const end = await session.go();
    assert.deepEqual([end.reason, end.text], ['end', 'failed: 1 of 2 expectations failed']);
    assert.equal(await session.finish(), 1);
  }));

  it('refuse a condition where there is nothing it could read', () => debug('fails', {
    exceptions: { filters: [], filterOptions: [{ filterId: 'failed_expectation', condition: 'order > 3' }] },
  }, async (session) => {
    assert.deepEqual(session.answers.exceptions.map(({ verified, message }) => ({ verified, message })), [
      { verified: false, message: '`failed_expectation` stops every time: it takes no condition, no count and no log text.' },
    ]);
  }));
});

describe('the boot', () => {
  it('passes breakpoints on functions and events by; their counts begin when the machine is up', () => debug('booting', {
    functions: [{ name: '__free_pages', hitCondition: '1' }, 'mm_page_free', 'nr_free_pages'], exceptions: { filters: ['bug', 'kswapd_wake'] },
  }, async (session) => {
    const stop = await session.stopped();
    assert.match(stop.text!, /^__free_pages\(page=\d+, order=0\) in driver$/);
    assert.deepEqual(stop.hitBreakpointIds, [session.answers.functions[0]!.id]);
    assert.match((await session.go()).text!, /^mm_page_free\(.*\) in driver$/);
    assert.equal((await session.go()).reason, 'end');
  }));

  it('is stopped in where that is asked for', () => debug('booting', {
    functions: [{ name: 'bootmem_handover' }, { name: 'setup_arch' }, { name: '__free_pages_bootmem', hitCondition: '1' }, { name: 'free_bootmem', condition: 'size == 4096' }],
    engine: [{ file: 'mm/page_alloc.ts', at: 'export function __free_pages(', hitCondition: '1' }],
    launch: { stopOnStopStatements: false },
  }, async (session) => {
    const seen: string[] = [];
    for (let stop = await session.stopped(); stop.reason !== 'end'; stop = await session.go()) seen.push(stop.text!.replace(/\(.*|:\d+$/, ''));
    assert.deepEqual(seen, ['setup_arch', 'free_bootmem', '__free_pages_bootmem', 'page_alloc.ts', 'bootmem_handover']);
  }));
});

describe('what the debugger reads', () => {
  it('stops at no breakpoint', () => debug('walk', { lines: ['alloc'] }, async (session) => {
    await session.stopped();
    await session.setFunctions(['nr_free_pages', 'nr_free_pages meminfo.MemFree > 0']);
    assert.match((await session.evaluate('proc meminfo', 'repl')).result, /^MemTotal/);
    assert.equal(session.client.events('stopped').length, 1);
  }));
});
