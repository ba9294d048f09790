// Several tasks: threads, steps that follow one of them, and pause.
import assert from 'node:assert/strict';
import type { Debugging } from './debugging.ts';
import { markedLine, placeOf } from './debugging.ts';
import { debug } from './with-session.ts';

interface Thread {
  id: number;
  name: string;
}

async function threads(session: Debugging): Promise<Thread[]> {
  return (await session.client.request<{ threads: Thread[] }>('threads')).threads;
}

async function threadNamed(session: Debugging, name: string): Promise<number> {
  const thread = (await threads(session)).find((one) => one.name === name);
  assert.ok(thread, `there is a thread ${name}`);
  return thread.id;
}

describe('two tasks', () => {
  it('are threads from their start to their end', () => debug('two-tasks', { lines: ['woken', 'after'] }, async (session) => {
    await session.stopped();
    assert.deepEqual((await threads(session)).map(({ name }) => name), ['early', 'late', 'pdflush', 'pdflush']);
    await session.go();
    assert.deepEqual((await threads(session)).map(({ name }) => name), ['late', 'pdflush', 'pdflush']);
    assert.equal(await session.finish(), 0);
    const told = session.client.events('thread').map(({ body }) => `${body.reason} ${body.threadId}`);
    const standsForTheEnd = session.client.events('stopped').at(-1)?.body.threadId as number;
    assert.deepEqual(told, ['started 1', 'started 2', 'exited 1', 'exited 2', `exited ${standsForTheEnd}`]);
  }));

  it('show the stack they sleep in', () => debug('two-tasks', { lines: ['woken'] }, async (session) => {
    await session.stopped();
    const late = await session.stack({ threadId: await threadNamed(session, 'late') });
    assert.deepEqual(late.map(placeOf), ['late two-tasks.pagewalk `wait early`']);
  }));

  it('step each by itself: a sleep is stepped over, whoever runs meanwhile', () => debug('two-tasks', { lines: ['nap'] }, async (session) => {
    await session.stopped();
    const early = session.threadId;
    const stop = await session.go('next');
    assert.deepEqual([stop.reason, stop.threadId, (await session.top()).line], ['step', early, markedLine('two-tasks', 'woken')]);
    assert.match(session.client.output('stdout'), /late begins/);
  }));

  it('a step of a thread that is not the stopped one is that thread\'s', () => debug('two-tasks', { lines: ['woken'] }, async (session) => {
    await session.stopped();
    const late = await threadNamed(session, 'late');
    await session.client.request('next', { threadId: late });
    const stop = await session.stopped();
    assert.deepEqual([stop.reason, stop.threadId, (await session.top()).line], ['step', late, markedLine('two-tasks', 'after')]);
  }));

  it('a step of a thread that there is not is refused, and the machine stands', () => debug('two-tasks', { lines: ['after'] }, async (session) => {
    await session.stopped();
    const [early, late] = [1, 2];
    for (const threadId of [early, 77, 0]) {
      for (const command of ['next', 'stepIn', 'stepOut']) {
        await assert.rejects(session.client.request(command, { threadId }), /^Error: There is no such thread: its task has not begun or has ended\.$/);
      }
    }
    assert.equal((await session.stack({ threadId: late })).length, 1);
    assert.equal((await session.go('next')).reason, 'end');
  }));
});

describe('pause', () => {
  for (const scenario of ['monotone', 'chatter']) {
    it(`stops ${scenario}, which prints for ever, within 50 ms`, () => debug(scenario, {}, async (session) => {
      const took: number[] = [];
      await session.client.event('thread');
      for (let i = 0; i < 5; i++) {
        await new Promise((resolve) => setTimeout(resolve, 400));
        const started = performance.now();
        await session.client.request('pause', { threadId: 1 });
        const stop = await session.stopped();
        took.push(performance.now() - started);
        assert.equal(stop.reason, 'pause');
        await session.client.request('continue', { threadId: stop.threadId });
      }
      const median = took.sort((a, b) => a - b)[2]!;
      assert.ok(median < 50, `the median of five is ${median} ms`);
      const ticks = session.client.output('stdout').trimEnd().split('\n').filter((line) => /^tick \d+$/.test(line)).map((line) => Number(line.slice(5)));
      assert.ok(ticks.length > 1000 && ticks.every((tick, i) => i === 0 || tick > ticks[i - 1]!), 'nothing is lost or out of order');
    }));
  }

  it('stops a long run within 50 ms', () => debug('long', {}, async (session) => {
    const took: number[] = [];
    await session.client.event('thread');
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const started = performance.now();
      await session.client.request('pause', { threadId: 1 });
      const stop = await session.stopped();
      took.push(performance.now() - started);
      assert.equal(stop.reason, 'pause');
      assert.equal((await session.stack()).at(-1)?.name, 'spinner');
      await session.client.request('continue', { threadId: stop.threadId });
    }
    const median = took.sort((a, b) => a - b)[2]!;
    assert.ok(median < 50, `the median of five is ${median} ms`);
  }));

  it('of a stopped machine changes nothing', () => debug('long', { lines: ['free'] }, async (session) => {
    await session.stopped();
    await session.client.request('pause', { threadId: 1 });
    assert.equal((await session.go()).reason, 'breakpoint');
  }));

  it('answers threads at once while the machine runs', () => debug('long', {}, async (session) => {
    await session.client.event('thread');
    assert.deepEqual((await threads(session)).slice(0, 1), [{ id: 1, name: 'spinner' }]);
    for (const command of ['stackTrace', 'scopes', 'variables', 'evaluate', 'next', 'continue', 'pagewalk/zones', 'exceptionInfo']) {
      await assert.rejects(session.client.request(command, { threadId: 1, frameId: 1, variablesReference: 1, expression: '1' }), /^Error: notStopped$/);
    }
  }));
});
