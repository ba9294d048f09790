// Address spaces through the debugger: the Task scope, `walk`, and what the Processes view asks for.
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { PageTableResponse, PageTablesResponse, ProcessesResponse, VmasResponse } from '../../debug-adapter/protocol.ts';
import type { Debugging } from './debugging.ts';
import { markedLine, placeOf } from './debugging.ts';
import { debug } from './with-session.ts';

async function processes(session: Debugging) {
  return (await session.client.request<ProcessesResponse>('pagewalk/processes')).processes;
}

async function vmas(session: Debugging, pid: number) {
  return (await session.client.request<VmasResponse>('pagewalk/vmas', { pid })).vmas;
}

/** The entries of the area that the scenario maps, which is the one below the stack. */
async function entries(session: Debugging, pid: number) {
  const area = (await vmas(session, pid)).at(-2)!;
  const { tables } = await session.client.request<PageTablesResponse>('pagewalk/pageTables', { pid, start: area.start });
  assert.equal(tables.length, 1);
  const { start, end } = tables[0]!;
  return (await session.client.request<PageTableResponse>('pagewalk/pageTable', { pid, start, end })).entries;
}

async function console(session: Debugging, expression: string): Promise<string> {
  const { id: frameId } = await session.top();
  return (await session.client.request<DebugProtocol.EvaluateResponse['body']>('evaluate', { expression, frameId, context: 'repl' })).result;
}

describe('a process', () => {
  it('is a thread, and its child is another', () => debug('process', { lines: ['child', 'parent'] }, async (session) => {
    await session.stopped();
    const { threads } = await session.client.request<{ threads: DebugProtocol.Thread[] }>('threads');
    assert.deepEqual(threads.map(({ name }) => name), ['walker', 'child', 'pdflush', 'pdflush']);
    assert.deepEqual((await session.stack({ threadId: threads[0]!.id })).map(placeOf), ['walker process.pagewalk `wait child`']);
    await session.go();
    assert.equal(await session.finish(), 0);
  }));

  it('is entered at a page fault: the stack goes from the scenario to the page that is copied', () => debug('process', { functions: ['cow_user_page'] }, async (session) => {
    await session.stopped();
    assert.deepEqual((await session.stack()).map(({ name }) => name), [
      'cow_user_page', 'copy_for_write', 'do_wp_page', 'handle_pte_fault', '__handle_mm_fault', 'handle_mm_fault', 'do_page_fault', 'walker',
    ]);
    assert.equal((await session.top()).name, 'cow_user_page');
    assert.equal((await session.stack()).at(-1)?.line, markedLine('process', 'child'));
  }));

  it('opens in the scope Task, down to a page', () => debug('process', { lines: ['parent'] }, async (session) => {
    await session.stopped();
    const scopes = await session.scopes((await session.top()).id);
    assert.deepEqual(Object.keys(scopes), ['Locals', 'Task', 'Machine']);
    const task = await session.open('Task');
    assert.equal(task.find(({ name }) => name === 'rss')?.value.split(' ')[0], '2');
    const areas = await session.open('Task', 'vmas');
    assert.equal(areas.length, 4);
    assert.match(areas[3]!.value, /stack/);
  }));

  it('is listed with its areas, tables, entries and pages', () => debug('process', { lines: ['child', 'parent'] }, async (session) => {
    await session.stopped();
    const [walker, child] = await processes(session);
    assert.deepEqual([walker!.name, walker!.state, walker!.rss, walker!.isCurrent], ['walker', 'S', 2, false]);
    assert.deepEqual([child!.name, child!.state, child!.rss, child!.isCurrent], ['child', 'R', 2, true]);
    const areas = await vmas(session, child!.pid);
    assert.deepEqual(areas.map(({ permissions, name, pages, rss }) => `${permissions} ${name} ${rss} of ${pages}`), [
      'r-xp /bin/walker 0 of 4', 'rw-p /bin/walker 0 of 1', 'rw-p  2 of 16', 'rw-p [stack] 0 of 21',
    ]);
    const shared = await entries(session, child!.pid);
    const inBoth = ['PRESENT|USER|DIRTY', 2, 3];
    assert.deepEqual(shared.map(({ bits, page }) => [bits, page?.mapcount, page?.count]), [inBoth, inBoth], 'one more reference is the pagevec\'s');
    assert.deepEqual((await entries(session, 1)).map(({ bits }) => bits), ['PRESENT|USER|ACCESSED|DIRTY', 'PRESENT|USER|ACCESSED|DIRTY']);
    await session.go();
    const [, ended] = await processes(session);
    assert.deepEqual([ended!.state, ended!.rss], ['Z', 2], 'it is as it was when it gave up its memory');
    assert.equal((await vmas(session, child!.pid))[2]!.rss, 2);
    assert.deepEqual(await session.client.request('pagewalk/pageTables', { pid: child!.pid, start: areas[2]!.start }), { tables: [] });
    assert.deepEqual((await entries(session, 1)).map(({ page }) => page?.mapcount), [1, 1]);
  }));

  it('is nothing where there is no such process', () => debug('process', { lines: ['parent'] }, async (session) => {
    await session.stopped();
    assert.deepEqual(await vmas(session, 77), []);
    assert.deepEqual(await session.client.request('pagewalk/pageTable', { pid: 77, start: '0x0', end: '0x1000' }), { entries: [] });
  }));
});

describe('faults as exceptions', () => {
  it('stop at a major fault and at a segmentation fault, where they happen', () => debug('faults', {
    exceptions: { filters: [], filterOptions: [{ filterId: 'major_fault' }, { filterId: 'segfault', condition: 'address == 0' }] },
  }, async (session) => {
    const major = await session.stopped();
    assert.match(major.text ?? '', /major_fault\(address=0x8048000, vma=\d+\) in reader/);
    const bad = await session.go();
    assert.match(bad.text ?? '', /^segfault\(address=0, error_code=4, si_code=\d+\) in reader/);
    assert.equal(await session.finish(), 1);
    assert.match(session.client.output('stderr'), /reader \(pid 1\) was ended by SIGSEGV: nothing is mapped at 0x0/);
  }));
});

describe('walk', () => {
  it('tells each level, and where the byte is', () => debug('process', { lines: ['parent'] }, async (session) => {
    await session.stopped();
    const frames = (text: string) => text.replaceAll(/frame \d+|at 0x[0-9a-f]+:|0x[0-9a-f]{8} PRESENT|physical address 0x[0-9a-f]+/g, (found) => found.replaceAll(/\d[0-9a-fx]*/g, 'N'));
    assert.equal(frames(await console(session, 'walk a')), `
0xb7ff0000 of walker (1): in 0xb7ff0000-0xb8000000 rw-p
  PGD[735] in frame N at N: N PRESENT|RW|USER|ACCESSED|DIRTY → frame N
  PTE[1008] in frame N at N: N PRESENT|USER|ACCESSED|DIRTY → frame N
The byte is at physical address N.
`.trimStart());
    assert.equal(frames(await console(session, 'walk 0x10')), `
0x10 of walker (1): in no area
  PGD[0] in frame N at N: 0x00000000 none: the walk ends here
Nothing is mapped there: an access faults.
`.trimStart());
    const before = await console(session, 'events.page_fault_user');
    await console(session, 'walk a + 8KiB');
    assert.equal(await console(session, 'events.page_fault_user'), before, 'looking is no fault');
    await assert.rejects(console(session, 'walk "here"'), /takes an address/);
  }));
});
