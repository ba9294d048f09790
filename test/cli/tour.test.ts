// The first minute: `npm start` in a terminal that is none.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Ran } from './pagewalk.ts';
import { ROOT, workplace } from './pagewalk.ts';

describe('npm start', () => {
  const start = (env: NodeJS.ProcessEnv, ...args: string[]): Ran => {
    const script = path.join(ROOT, 'build', 'start.mjs');
    const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { cwd: ROOT, encoding: 'utf8', env: { ...process.env, ...env } });
    return { status, out: stdout, err: stderr };
  };

  it('shows a debugging session: stops, stacks, steps, locals, zones, output', () => {
    const { status, out, err } = start({});
    assert.deepEqual({ status, err }, { status: 0, err: '' });
    assert.ok(!out.includes('\x1b['), 'no colours where nobody sees them');
    assert.deepEqual(out.split('\n\n').map((part) => part.trim().split('\n')[0]!.replace(/pfn=\d+|page=\d+/g, 'N')), [
      'Pagewalk: memory management in a debugger',
      'Stopped: alloc_pages(gfp_mask=GFP_KERNEL, order=4) in driver',
      'The free memory that the request will find: pages, the zone\'s marks, pages on the CPUs\' own lists, and free blocks of 2^order pages.',
      'Step in, to get_page_from_freelist',
      'A few statements on it asks whether the first zone has enough. The engine\'s own source, as the debugger shows it:',
      'Locals of get_page_from_freelist:',
      'Stopped: kmem:mm_page_alloc(N, N, order=4, migratetype=-1, gfp_flags=GFP_KERNEL) in driver',
      'Continue, to the end',
      'How to go on',
    ]);
  });

  it('shows kernel and scenario frames, and the split', () => {
    const { out } = start({}, '--terminal');
    const stack = [...out.matchAll(/^ {4}(\w+) +(engine\/mm\/page_alloc\.ts|scenarios\/order-4\.pagewalk):\d+ +\S/gm)].map((match) => match[1]);
    assert.deepEqual(stack.slice(0, 5), ['__alloc_pages', 'alloc_pages_node', 'alloc_pages', 'get_ring', 'driver']);
    assert.equal(stack.at(-1), 'get_page_from_freelist');
    assert.match(out, /^ +-16 +\+1( +\+1)* +-1$/m, 'halves of orders 4 and up stay behind, a larger block is gone');
    assert.match(out, /^ {4}16 pages, from frame \d+ to \d+$/m);
  });

  it('opens VS Code on the scenario where it is wanted and there', function () {
    if (process.platform === 'win32') this.skip();
    const place = workplace();
    place.write('code', `#!/bin/sh\nprintf '%s\\n' "$@" > "${place.folder}/arguments"\n`);
    fs.chmodSync(path.join(place.folder, 'code'), 0o755);
    const { status, out } = start({ PATH: `${place.folder}:/bin:/usr/bin` }, '--open');
    const given = place.read('arguments').trimEnd().split('\n');
    place.remove();
    assert.equal(status, 0);
    assert.match(out, /^pagewalk: VS Code opens scenarios\/order-4\.pagewalk\. Add the function breakpoint `alloc_pages order>3`/);
    assert.deepEqual(given, ['--new-window', `--extensionDevelopmentPath=${ROOT}`, ROOT, '--goto', path.join(ROOT, 'scenarios', 'order-4.pagewalk')]);
  });

  it('says how to go on where VS Code is wanted and not there', () => {
    assert.deepEqual(start({ PATH: '' }, '--open'), {
      status: 1, out: '', err: 'pagewalk: VS Code could not be opened: there is no working `code` command. `npm run code` opens its workbench in a browser.\n',
    });
  });

  it('knows its options', () => {
    assert.deepEqual(start({}, '--fast'), { status: 2, out: '', err: 'pagewalk: npm start does not know --fast. It takes --open or --terminal.\n' });
  });
});
