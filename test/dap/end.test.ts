// How runs end: given up, in a deadlock, by a mistake or a BUG, and what of them can still be looked at.
import assert from 'node:assert/strict';
import path from 'node:path';
import { EngineClient } from '../../debug-adapter/engine-client.ts';
import { engineFiles } from '../../debug-adapter/engine-files.ts';
import { loadProgram } from '../../debug-adapter/launch.ts';
import type { WorkerEvent } from '../../debug-adapter/worker/commands.ts';
import { ROOT } from './client.ts';
import { Debugging, markedLine, scenarioPath } from './debugging.ts';
import { debug } from './with-session.ts';

describe('a run without debugging', () => {
  for (const request of ['terminate', 'disconnect']) {
    it(`is ended by ${request} at once`, async () => {
      const session = await Debugging.start('long', { launch: { noDebug: true } });
      const started = performance.now();
      await session.client.request(request, {});
      assert.ok(performance.now() - started < 500, 'it was ended at once');
      await session.client.close();
    });
  }

  it('is given up after so many events', async () => {
    const files = engineFiles(path.join(ROOT, 'dist'));
    const events = await new Promise<WorkerEvent[]>((resolve, reject) => {
      const heard: WorkerEvent[] = [];
      const onEvent = (event: WorkerEvent): void => {
        heard.push(event);
        if (event.event === 'ended') resolve(heard);
      };
      const options = { stopOnEntry: false, stopAtEnd: false, checkInvariants: false, limitEvents: 10_000, overrides: {} };
      const client = new EngineClient(files.plainWorker, { tables: null, program: loadProgram(scenarioPath('long')).program, options }, { onEvent, onDeath: reject });
      void client.request('start', null);
    });
    const said = events.map((event) => (event.event === 'output' ? event.text : '')).join('');
    assert.match(said, /long\.pagewalk:\d+:\d+: stopped after 10,000 events \(statements and tracepoints\)\. Does it loop\? .*\nfailed \(the event limit\): /);
    assert.deepEqual(events.filter(({ event }) => event === 'ended').map((event) => 'exitCode' in event && event.exitCode), [1]);
  });
});

describe('the end of a run', () => {
  const threadNames = async (session: Debugging): Promise<string[]> =>
    (await session.client.request<{ threads: { id: number; name: string }[] }>('threads')).threads.map(({ name }) => name);

  it('is told in full where it is a deadlock, and every task still stands', () => debug('deadlock', {}, async (session) => {
    const stop = await session.stopped();
    const text = 'deadlock: a waits for the end of b; b waits for the end of a';
    assert.deepEqual([stop.reason, stop.text, stop.description], ['end', text, text]);
    const { threads } = await session.client.request<{ threads: { id: number; name: string }[] }>('threads');
    assert.deepEqual(threads.map(({ name }) => name), ['a', 'b']);
    for (const { id, name } of threads) {
      assert.deepEqual((await session.stack({ threadId: id })).map((frame) => [frame.name, frame.line]), [[name, markedLine('deadlock', name)]]);
    }
    session.threadId = threads[0]!.id;
    assert.match(await session.glance(), /held = page \d+/);
    assert.equal(await session.finish(), 1);
  }));

  it('is told where the scenario broke off; the tasks that are left still stand', () => debug('broken-off', {}, async (session) => {
    const stop = await session.stopped();
    assert.match(stop.text!, new RegExp(`^failed: broken-off\\.pagewalk:${markedLine('broken-off', 'mistake')}:\\d+: Index 2 `));
    assert.deepEqual(await threadNames(session), ['sleeper']);
    assert.equal((await session.top()).line, markedLine('broken-off', 'asleep'));
    assert.equal(await session.finish(), 1);
  }));

  it('is shown where the scenario broke off when no task is left', () => debug('fails', {}, async (session) => {
    assert.match((await session.stopped()).text!, /^failed: fails\.pagewalk:\d+:\d+: Index 2 /);
    assert.deepEqual(await threadNames(session), ['the scenario has ended']);
    assert.equal((await session.top()).line, markedLine('fails', 'mistake'));
    assert.equal(await session.finish(), 1);
  }));

  it('is told where it is a BUG, and the task still stands', () => debug('bug', {}, async (session) => {
    const stop = await session.stopped();
    assert.match(stop.text!, /^failed: kernel BUG at mm\/slab\.c:page_get_cache: c0100000 is in no slab$/);
    assert.deepEqual(await threadNames(session), ['careless']);
    assert.deepEqual((await session.stack()).map(({ name }) => name).slice(-2), ['kfree', 'careless']);
    assert.equal((await session.stack()).at(-1)?.line, markedLine('bug', 'free'));
    assert.equal(await session.finish(), 1);
  }));
});
