// The other commands, and what is said when a command line is wrong.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Workplace } from './pagewalk.ts';
import { ROOT, driver, pagewalk, workplace } from './pagewalk.ts';

describe('pagewalk check', () => {
  let place: Workplace;
  before(() => (place = workplace()));
  after(() => place.remove());

  it('is content with scenarios that could run', () => {
    place.write('a.pagewalk', driver('expect false'));
    place.write('b.pagewalk', driver());
    assert.deepEqual(place.pagewalk('check', 'a.pagewalk', 'b.pagewalk'), { status: 0, out: '2 files checked: nothing is wrong\n', err: '' });
  });

  it('names every mistake of every file', () => {
    place.write('a.pagewalk', driver('foo(1)', 'print(bar)'));
    place.write('b.pagewalk', 'kernel driver {\n');
    const { status, out, err } = place.pagewalk('check', 'a.pagewalk', 'b.pagewalk');
    assert.deepEqual({ status, out }, { status: 2, out: '2 files checked: 3 errors\n' });
    assert.deepEqual(err.split('\n').map((line) => line.split(': ')[0]), ['a.pagewalk:3:3', 'a.pagewalk:4:9', 'b.pagewalk:1:16', '']);
  });

  it('is content with a file that others import, which cannot be run', () => {
    place.write('library.pagewalk', 'import "more.pagewalk"\nconst N = 2\ndef twice(n) { return N * n }\n');
    place.write('more.pagewalk', 'def once(n) { return n }\n');
    assert.deepEqual(place.pagewalk('check', 'library.pagewalk', 'more.pagewalk'), { status: 0, out: '2 files checked: nothing is wrong\n', err: '' });
    assert.deepEqual(place.pagewalk('run', 'library.pagewalk'), {
      status: 2, out: '', err: 'library.pagewalk:1:1: There is no `machine` block: a scenario needs one, as in `machine { memory 64MiB }`.\n',
    });
  });

  it('finds what is wrong with a file that others import', () => {
    place.write('library.pagewalk', 'def twice(n) { return shrink_all_memory(n) }\n');
    place.write('tasks.pagewalk', 'def twice(n) { return n }\nkernel k { }\n');
    assert.deepEqual(place.pagewalk('check', 'library.pagewalk', 'tasks.pagewalk'), {
      status: 2, out: '2 files checked: 2 errors\n',
      err: 'library.pagewalk:1:23: `shrink_all_memory` is not modelled yet: this version has processes, files and disks, but no swap and no reclaim.\n'
        + 'tasks.pagewalk:1:1: There is no `machine` block: a scenario needs one, as in `machine { memory 64MiB }`.\n',
    });
  });

  it('names a `stop on` that could never stop', () => {
    place.write('a.pagewalk', `${driver()}stop on alloc_pages when ordr > 3\nstop on nosuch\n`);
    const err = 'a.pagewalk:4:26: `alloc_pages` has no parameter `ordr`: it has `gfp_mask`, `order`, `zonelist`. Did you mean `order`?\n'
      + 'a.pagewalk:5:9: There is no kernel function and no tracepoint `nosuch`.\n';
    assert.deepEqual(place.pagewalk('check', 'a.pagewalk'), { status: 2, out: '1 file checked: 2 errors\n', err });
    assert.deepEqual(place.pagewalk('run', 'a.pagewalk'), { status: 2, out: '', err });
  });

  it('says what it cannot read', () => {
    assert.deepEqual(place.pagewalk('check', 'gone.pagewalk'), { status: 2, out: '', err: 'pagewalk: gone.pagewalk: there is no such file.\n' });
    assert.deepEqual(place.pagewalk('run', '.'), { status: 2, out: '', err: 'pagewalk: .: this is a folder: name a .pagewalk file in it.\n' });
  });
});

describe('pagewalk', () => {
  it('says its version', () => {
    const { version } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { version: string };
    assert.deepEqual(pagewalk(['--version']), { status: 0, out: `${version}\n`, err: '' });
  });

  it('lists its commands', () => {
    const { status, out } = pagewalk(['--help']);
    assert.equal(status, 0);
    const commands = [...out.matchAll(/^ {2}([a-z]+) /gm)].map((match) => match[1]);
    assert.deepEqual(commands, ['run', 'check', 'tour', 'dap', 'lsp', 'help']);
  });

  it('ends with status 2 when the command line is wrong', () => {
    const wrong: [string[], string][] = [
      [['bogus'], 'error: unknown command \'bogus\'\nTry `pagewalk --help`.\n'],
      [['run'], 'error: missing required argument \'file\'\nTry `pagewalk --help`.\n'],
      [['run', 'x', '--seed', '-1'], 'error: option \'--seed <n>\' argument \'-1\' is invalid. It takes a whole number, 0 or more.\nTry `pagewalk --help`.\n'],
      [['run', 'x', '--fast'], 'error: unknown option \'--fast\'\nTry `pagewalk --help`.\n'],
      [['dap', '--port', '99999'], 'error: option \'--port <n>\' argument \'99999\' is invalid. It takes a number from 0 to 65535.\nTry `pagewalk --help`.\n'],
      [['dap', '--port', '-1'], 'error: option \'--port <n>\' argument \'-1\' is invalid. It takes a number from 0 to 65535.\nTry `pagewalk --help`.\n'],
      [['lsp'], 'pagewalk: lsp: the language server speaks on standard input and output: say --stdio.\n'],
    ];
    for (const [args, err] of wrong) assert.deepEqual(pagewalk(args), { status: 2, out: '', err });
    assert.equal(pagewalk([]).status, 2);
  });

  it('ends with status 2 when the port is taken', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      assert.deepEqual(pagewalk(['dap', '--port', String(port)]), {
        status: 2, out: '', err: `pagewalk: dap: --port ${port}: another program listens on this port. Take another, or 0 for any free one.\n`,
      });
    } finally {
      server.close();
    }
  });

  it('names the commands that are not there yet', () => {
    assert.deepEqual(pagewalk(['test', 'scenarios', '--reporter', 'tap']), {
      status: 2, out: '', err: 'pagewalk: test: this version has no such command yet. Run each scenario with `pagewalk run FILE`: its exit status is 0 when all expectations hold.\n',
    });
    assert.deepEqual(pagewalk(['format', 'a.pagewalk']), {
      status: 2, out: '', err: 'pagewalk: format: this version has no such command yet. `pagewalk check FILE…` says what is wrong with a scenario; nothing rewrites it yet.\n',
    });
  });

  it('serves the debug adapter protocol and the language server on standard input and output', async () => {
    const initialize = { seq: 1, type: 'request', command: 'initialize', arguments: { adapterID: 'pagewalk' } };
    assert.match(await firstAnswer(['dap'], initialize), /"supportsFunctionBreakpoints":true/);
    const hello = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { processId: null, rootUri: null, capabilities: {} } };
    assert.match(await firstAnswer(['lsp', '--stdio'], hello), /"capabilities":\{/);
  });
});

/** What a server writes first when it is sent one message. */
async function firstAnswer(args: string[], message: object): Promise<string> {
  const child = spawn(process.execPath, [path.join(ROOT, 'bin', 'pagewalk.cjs'), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const text = JSON.stringify(message);
  child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`);
  let answer = '';
  for await (const data of child.stdout) {
    answer += String(data);
    if (answer.includes('apabilities') || answer.includes('supports')) break;
  }
  child.kill();
  await ended;
  return answer;
}
