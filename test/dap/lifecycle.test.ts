// From `initialize` to the end: what is declared, in which order things are said, and how sessions end, well and badly.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { ADAPTER, DapClient, Refusal } from './client.ts';
import { Debugging, markedLine, scenarioPath } from './debugging.ts';
import { debug } from './with-session.ts';

const INITIALIZE = { adapterID: 'pagewalk', linesStartAt1: true, columnsStartAt1: true, pathFormat: 'path' };

/** An adapter of its own for the length of a test. */
async function withAdapter(test: (client: DapClient) => Promise<void>): Promise<void> {
  const client = DapClient.spawn();
  try {
    await test(client);
  } finally {
    await client.close();
  }
}

async function refusalOf(answer: Promise<unknown>): Promise<DebugProtocol.ErrorResponse> {
  const error = await answer.then(() => assert.fail('it is refused'), (reason: unknown) => reason);
  assert.ok(error instanceof Refusal, String(error));
  return error.response;
}

describe('initialize', () => {
  it('declares what is true, then says it is initialized', () => withAdapter(async (client) => {
    const capabilities = await client.request<DebugProtocol.Capabilities>('initialize', INITIALIZE);
    await client.event('initialized');
    assert.deepEqual(client.order(), ['response initialize', 'event initialized']);
    assert.deepEqual(capabilities.exceptionBreakpointFilters?.map((one) => [one.filter, one.default]), [
      ['bug', true], ['failed_expectation', false], ['allocation_failure', false], ['segfault', false], ['major_fault', false],
      ['writeback', false], ['kswapd_wake', false],
    ]);
    assert.equal(capabilities.supportsStepBack, undefined);
    for (const [name, isSupported] of Object.entries(capabilities)) if (name.startsWith('supports')) assert.equal(isSupported, true, name);
  }));

  it('honours lines that start at 0 and paths that are URIs', () => withAdapter(async (client) => {
    await client.request('initialize', { adapterID: 'pagewalk', linesStartAt1: false, columnsStartAt1: false, pathFormat: 'uri' });
    const launched = client.request('launch', { program: scenarioPath('walk') });
    const uri = `file://${scenarioPath('walk')}`;
    const line = markedLine('walk', 'alloc') - 1;
    const { breakpoints } = await client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', { source: { path: uri }, breakpoints: [{ line }] });
    assert.deepEqual(breakpoints.map((one) => [one.verified, one.line, one.column]), [[true, line, 4]]);
    await launched;
    await client.request('configurationDone');
    const { body } = await client.event<{ threadId: number }>('stopped');
    const { stackFrames } = await client.request<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId: body.threadId });
    assert.deepEqual([stackFrames[0]?.source?.path, stackFrames[0]?.line, stackFrames[0]?.column], [uri, line, 4]);
    await client.request('disconnect');
  }));

  it('refuses what it does not know, and lives on', () => withAdapter(async (client) => {
    await client.request('initialize', INITIALIZE);
    assert.equal((await refusalOf(client.request('readMemory', {}))).message, 'Pagewalk does not know the request `readMemory`.');
    assert.equal((await refusalOf(client.request('stackTrace', { threadId: 1 }))).message, 'notStopped');
    assert.equal((await refusalOf(client.request('setBreakpoints', { source: {}, breakpoints: [] }))).message, 'A source without a path is not known here.');
    const missing = (name: string) => `\`${name}\` is missing: it is the list of what to stop at, and empty for nothing.`;
    assert.equal((await refusalOf(client.request('setFunctionBreakpoints', {}))).message, missing('breakpoints'));
    assert.equal((await refusalOf(client.request('setExceptionBreakpoints', {}))).message, missing('filters'));
    assert.deepEqual(await client.request('threads'), { threads: [] });
    await client.request('configurationDone');
  }));
});

describe('launch', () => {
  it('says stopped after the answer to what caused it', () => debug('walk', { lines: ['alloc', 'add'] }, async (session) => {
    await session.stopped();
    const from = session.client.received.length;
    await session.go();
    await session.go('next');
    const order = session.client.order(from).filter((one) => /continue|next|stopped/.test(one));
    assert.deepEqual(order, ['response continue', 'event stopped', 'response next', 'event stopped']);
    assert.equal(session.client.events('continued').length, 0);
    const [configured, stopped] = ['response configurationDone', 'event stopped'].map((one) => session.client.order().indexOf(one));
    assert.ok(configured! < stopped!);
  }));

  it('does not depend on who comes first', () => withAdapter(async (client) => {
    await client.request('initialize', INITIALIZE);
    const line = markedLine('late-compile', 'alloc');
    const early = client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', { source: { path: scenarioPath('late-compile') }, breakpoints: [{ line }] });
    client.send('configurationDone');
    client.send('launch', { program: scenarioPath('late-compile') });
    assert.deepEqual((await early).breakpoints.map(({ verified }) => verified), [true]);
    await client.event('stopped');
    await client.request('disconnect');
  }));

  it('resolves breakpoints later where the launch comes after their answer', () => withAdapter(async (client) => {
    await client.request('initialize', INITIALIZE);
    const line = markedLine('late-compile', 'alloc');
    const { breakpoints: [pending] } = await client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', {
      source: { path: scenarioPath('late-compile') }, breakpoints: [{ line }],
    });
    assert.deepEqual([pending?.verified, pending?.message, pending?.reason], [false, 'The scenario is not loaded yet.', 'pending']);
    await client.request('configurationDone');
    await client.request('launch', { program: scenarioPath('late-compile') });
    const { body } = await client.event<{ breakpoint: DebugProtocol.Breakpoint }>('breakpoint');
    assert.deepEqual([body.breakpoint.id, body.breakpoint.verified, body.breakpoint.line], [pending?.id, true, line]);
    const { body: stop } = await client.event<DebugProtocol.StoppedEvent['body']>('stopped');
    assert.deepEqual(stop.hitBreakpointIds, [pending?.id]);
    await client.request('disconnect');
  }));

  it('refuses a broken scenario with its places, as an answer and as output', () => withAdapter(async (client) => {
    await client.request('initialize', INITIALIZE);
    const refusal = await refusalOf(client.request('launch', { program: scenarioPath('broken') }));
    assert.match(refusal.message!, new RegExp(`^${scenarioPath('broken')}:4:14: .+\n${scenarioPath('broken')}:5:9: .+$`));
    assert.equal(refusal.body.error?.showUser, true);
    const [output] = client.events('output');
    assert.deepEqual([output?.body.category, output?.body.source.path, output?.body.line, output?.body.column], ['stderr', scenarioPath('broken'), 4, 14]);
    assert.match(output?.body.output as string, /broken\.pagewalk:4:14: .+\n$/);
    await client.request('disconnect');
  }));

  it('refuses arguments that mean nothing', () => withAdapter(async (client) => {
    await client.request('initialize', INITIALIZE);
    const messageOf = async (args: object) => (await refusalOf(client.request('launch', args))).message;
    assert.equal(await messageOf({}), 'Cannot launch: `program` is missing: it names the .pagewalk file to debug.');
    assert.equal(await messageOf({ program: 'x.pagewalk', stopAtEnd: 'no' }), 'Cannot launch: `stopAtEnd` must be true or false, not "no".');
    assert.equal(await messageOf({ program: 'x.pagewalk', seed: 1.5 }), 'Cannot launch: `seed` must be a whole number from 0 on, not 1.5.');
    assert.match((await messageOf({ program: '/nowhere/x.pagewalk' }))!, /^Cannot launch: \/nowhere\/x\.pagewalk cannot be read: ENOENT/);
  }));

  it('stops at the first statement, and at the end', () => debug('walk', { launch: { stopOnEntry: true } }, async (session) => {
    assert.equal((await session.stopped()).reason, 'entry');
    assert.equal((await session.top()).line, markedLine('walk', 'begin'));
    const end = await session.go();
    assert.deepEqual([end.reason, end.description], ['end', 'The scenario has ended']);
    assert.equal((await session.stack()).length, 1);
    assert.ok(Number((await session.evaluate('0 + zones.NORMAL.free_pages')).result) > 0);
    assert.equal(await session.finish(), 0);
  }));

  it('says which wishes it cannot hear', () => debug('walk', { launch: { record: true, trace: 'events.txt', stopAtEnd: false } }, async (session) => {
    assert.equal(await session.exited(), 0);
    assert.equal(session.client.output('console'), [
      '`record` has no effect: this version keeps no record of a run, so that it cannot step backwards.\n',
      '`trace` has no effect: this version writes no events from a debug session.\n',
    ].join(''));
  }));

  it('runs without debugging: no stop, and the exit status', () => debug('stops', { launch: { noDebug: true, stopOnEntry: true }, lines: ['breakpoint'] }, async (session) => {
    assert.equal(await session.exited(), 0);
    assert.equal(session.client.events('stopped').length, 0);
  }));

  it('ends with the exit status of what failed, said with its place', () => debug('fails', { launch: { stopAtEnd: false } }, async (session) => {
    assert.equal(await session.exited(), 1);
    const said = session.client.events('output').filter(({ body }) => body.category === 'stderr').map(({ body }) => [body.line, body.output]);
    assert.ok(said.some(([line, text]) => line === markedLine('fails', 'expect') && String(text).includes('never enough')), JSON.stringify(said));
    assert.ok(said.some(([line, text]) => line === markedLine('fails', 'mistake') && /index/i.test(String(text))), JSON.stringify(said));
  }));

  it('says prints where they stand', () => debug('walk', { launch: { stopAtEnd: false } }, async (session) => {
    assert.equal(await session.exited(), 0);
    const print = session.client.events('output').find(({ body }) => (body.output as string).startsWith('kept'));
    assert.deepEqual([print?.body.category, print?.body.source.path, print?.body.line], ['stdout', scenarioPath('walk'), markedLine('walk', 'print')]);
  }));
});

describe('restart', () => {
  it('begins anew, with the scenario as it is now', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-'));
    const program = path.join(folder, 'changing.pagewalk');
    const text = fs.readFileSync(scenarioPath('late-compile'), 'utf8');
    fs.writeFileSync(program, text);
    await debug('late-compile', { launch: { program }, functions: ['alloc_pages current.comm == "driver"'] }, async (session) => {
      await session.stopped();
      const before = (await session.scopes((await session.top()).id))['Machine']!.variablesReference;
      const [line] = await session.setBreakpoints(program, [{ line: 4 }]);
      fs.writeFileSync(program, text.replace('kernel driver {', '$&\n\n'));
      await session.client.request('restart', {});
      await session.client.event('continued');
      const { body } = await session.client.event<{ breakpoint: DebugProtocol.Breakpoint }>('breakpoint');
      assert.deepEqual([body.breakpoint.id, body.breakpoint.line], [line?.id, 6]);
      assert.equal((await session.stopped()).reason, 'breakpoint');
      assert.ok((await session.scopes((await session.top()).id))['Machine']!.variablesReference > before, 'no reference is used twice');
      assert.equal((await session.go()).reason, 'function breakpoint');
    });
    fs.rmSync(folder, { recursive: true });
  });

  it('of a running machine works too', () => debug('long', {}, async (session) => {
    await session.client.request('restart', {});
    await session.client.request('pause', { threadId: 1 });
    assert.equal((await session.stopped()).reason, 'pause');
  }));

  it('is refused while the scenario is broken, and the old run stays', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-'));
    const program = path.join(folder, 'changing.pagewalk');
    fs.copyFileSync(scenarioPath('late-compile'), program);
    await debug('late-compile', { launch: { program }, functions: ['alloc_pages'] }, async (session) => {
      await session.stopped();
      fs.writeFileSync(program, 'machine {');
      await assert.rejects(session.client.request('restart', {}), /changing\.pagewalk:1:\d+: /);
      assert.equal((await session.top()).name, '__alloc_pages');
    });
    fs.rmSync(folder, { recursive: true });
  });
});

describe('the end of a session', () => {
  it('may come while the machine runs', async () => {
    const session = await Debugging.start('long');
    await session.client.request('disconnect', {});
    await session.client.close();
  });

  it('may come while it is stopped', async () => {
    const session = await Debugging.start('walk', { lines: ['alloc'] });
    await session.stopped();
    await session.client.request('disconnect', {});
    await session.client.close();
  });

  it('may come without a word', async () => {
    const session = await Debugging.start('long');
    await session.client.close();
  });

  it('is told after the end of every thread', async () => {
    for (const end of ['continue', 'terminate'] as const) {
      await debug('walk', {}, async (session) => {
        const { threadId } = await session.stopped();
        const from = session.client.received.length;
        await session.client.request(end, { threadId });
        await session.client.event('terminated');
        const told = session.client.order(from).filter((one) => one.startsWith('event') && !one.includes('output'));
        assert.deepEqual(told, ['event thread', ...(end === 'continue' ? ['event exited'] : []), 'event terminated']);
        assert.deepEqual(session.client.events('thread').at(-1)?.body, { reason: 'exited', threadId });
      });
    }
  });

  it('is answered to terminate, and said', () => debug('long', {}, async (session) => {
    const from = session.client.received.length;
    await session.client.request('terminate', {});
    await session.client.event('terminated');
    assert.deepEqual(session.client.order(from).filter((one) => one.includes('terminate')), ['response terminate', 'event terminated']);
    assert.equal((await refusalOf(session.client.request('continue', { threadId: 1 }))).message, 'notStopped');
  }));
});

describe('--port', () => {
  it('serves several sessions, at once and one after the other', async () => {
    const adapter = spawn(process.execPath, [ADAPTER, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = await once(adapter.stdout, 'data') as [Buffer];
      const port = Number(/listens on 127\.0\.0\.1:(\d+)/.exec(String(line))?.[1]);
      const [one, two] = await Promise.all([0, 1].map(async () => Debugging.start('walk', { lines: ['alloc'] }, await DapClient.connect(port))));
      assert.deepEqual([(await one!.stopped()).reason, (await two!.stopped()).reason], ['breakpoint', 'breakpoint']);
      await one!.setLines([]);
      assert.equal((await one!.go()).reason, 'end');
      assert.equal((await two!.go()).reason, 'breakpoint');
      await Promise.all([one!.end(), two!.end()]);
      const three = await Debugging.start('walk', { launch: { stopAtEnd: false } }, await DapClient.connect(port));
      assert.equal(await three.exited(), 0);
      await three.end();
    } finally {
      adapter.kill();
      await once(adapter, 'exit');
    }
  });

  it('wants a number', async () => {
    const adapter = spawn(process.execPath, [ADAPTER, '--port', 'seven'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const [[text], [status]] = await Promise.all([once(adapter.stderr, 'data'), once(adapter, 'exit')]) as [[Buffer], [number]];
    assert.equal(String(text), 'pagewalk dap: --port takes a number from 0 to 65535, not `seven`.\n');
    assert.equal(status, 2);
  });
});
