// The first debugging session: from a scenario, through a function breakpoint, into the engine's own source, with the machine's state around it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { CHECKOUT } from '../vscode-host/workbench.mjs';
import {
  activeTab, addFunctionBreakpoint, callStack, closePane, closePanel, collapseRows, colourCount, continueDebugging, cursorPlace, endDebugging,
  expandRows, findRow, openFile, openPane, paneRows, startDebugging, stepInto, toggleBreakpoint, until, visibleLines, widenSideBar,
} from './person.mjs';

const MOST_STEPS = 80;

export const firstSession = {
  title: 'a first debugging session',
  steps: [
    ['opens the scenario in its colours', 'session-1-scenario', async (page) => {
      await closePanel(page);
      await openFile(page, 'order-4.pagewalk');
      await until('the grammar to colour it', async () => (await colourCount(page)) >= 4);
    }],

    ['sets a breakpoint on a line, and alloc_pages order>3 with the + of the Breakpoints view', 'session-2-breakpoints', async (page) => {
      await toggleBreakpoint(page, 'let ring = alloc_pages');
      await addFunctionBreakpoint(page, 'alloc_pages order>3');
      await widenSideBar(page, 90);
    }],

    ['F5 stops at the line of the scenario', 'session-3-stop-in-scenario', async (page, { workspace }) => {
      const [top] = await startDebugging(page);
      assert.equal(top.file, 'order-4.pagewalk');
      const text = fs.readFileSync(path.join(workspace, 'order-4.pagewalk'), 'utf8').split('\n');
      assert.match(text[lineOf(top) - 1], /let ring = alloc_pages/);
    }],

    ['continue stops in __alloc_pages, with the kernel\'s frames above the scenario\'s', 'session-4-stop-in-alloc-pages', async (page) => {
      await continueDebugging(page);
      await until('__alloc_pages on top of the stack', async () => (await callStack(page))[0]?.name === '__alloc_pages');
      await wholeStack(page);
    }],

    ['stepping in reaches get_page_from_freelist, its TypeScript source open at the right line', 'session-5-get-page-from-freelist', async (page) => {
      const top = await stepUntilIn(page, 'get_page_from_freelist');
      await wholeStack(page);
      await until('the source to be shown', async () => (await activeTab(page)) === 'page_alloc.ts' && (await cursorPlace(page)).line === lineOf(top));
      const source = fs.readFileSync(path.join(CHECKOUT, 'engine', 'mm', 'page_alloc.ts'), 'utf8').split('\n');
      const line = source[lineOf(top) - 1].trim();
      await until('the line on screen', async () => (await visibleLines(page)).some((shown) => shown.includes(line)));
    }],

    ['Locals hold the parameters', 'session-6-locals', async (page) => {
      await closePane(page, 'Watch');
      await expandRows(page, 'Variables', 'Locals');
      await until('order in Locals', async () => (await paneRows(page, 'Variables')).some((row) => /^order ?[:=] ?4$/.test(row)));
    }],

    ['Machine opens to a zone\'s free lists', 'session-7-machine', async (page) => {
      for (const title of ['Call Stack', 'Breakpoints', 'Zones']) await closePane(page, title);
      await expandRows(page, 'Variables', 'Machine', 'nodes', '\\[0\\]', 'zones', 'NORMAL', 'free_area');
      await findRow(page, 'Variables', '\\[10\\]', 7);
    }],

    ['mem_map opens to a struct page', 'session-8-struct-page', async (page) => {
      await collapseRows(page, 'Variables', 'nodes');
      await expandRows(page, 'Variables', 'Machine', 'mem_map', '\\[0\\.\\.9999\\]', '\\[4200\\.\\.4299\\]', '\\[4288\\]');
      await findRow(page, 'Variables', '_count', 6);
    }],

    ['the Zones view shows the same free lists', 'session-9-zones', async (page) => {
      await closePane(page, 'Variables');
      await openPane(page, 'Zones');
      await expandRows(page, 'Zones', 'Node 0', 'Normal', 'Watermarks');
      const rows = await paneRows(page, 'Zones');
      assert.ok(rows.some((row) => /^order 4 \(64 KiB\) ?\d+ blocks?/.test(row)), rows.join('\n'));
    }],

    ['the Zones view shows the slab caches', 'session-10-caches', async (page) => {
      await collapseRows(page, 'Zones', 'Normal');
      await expandRows(page, 'Zones', 'Slab caches');
      await findRow(page, 'Zones', 'size-128', 2);
    }],

    ['the session ends', 'session-11-end', async (page) => {
      await endDebugging(page);
    }],
  ],
};

/** Steps in until the innermost frame is a call of `name`, and answers that frame. */
async function stepUntilIn(page, name) {
  for (let step = 0; step < MOST_STEPS; step++) {
    const [top] = await stepInto(page);
    if (top.name === name) return top;
  }
  throw new Error(`${MOST_STEPS} steps did not reach ${name}`);
}

/** VS Code asks for the innermost frame alone, and a little later for the others: the scenario's are the outermost. */
async function wholeStack(page) {
  await until('the scenario\'s frames below __alloc_pages', async () => {
    const frames = await callStack(page);
    return frames.at(-1)?.file === 'order-4.pagewalk' && frames.some((frame) => frame.name === '__alloc_pages');
  });
}

/** The call stack says `LINE:COLUMN`. */
const lineOf = (frame) => Number(frame.line.split(':')[0]);
