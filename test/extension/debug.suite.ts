// One debug session through VS Code's own debug API, from a breakpoint to the end.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import type { PagewalkApi } from '../../extension/main.ts';
import type { Row } from '../../extension/views/rows.ts';
import { DebugRun } from './debug-run.ts';
import { fileOf, lineWith, scenario, show, until } from './helpers.ts';

describe('debugging a scenario', () => {
  let run: DebugRun;

  beforeEach(() => {
    run = new DebugRun();
  });

  afterEach(async () => {
    vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
    await run.end();
    run.dispose();
  });

  it('stops at a line breakpoint in the scenario', async () => {
    const uri = scenario('order-4.pagewalk');
    const { document } = await show(uri);
    const line = lineWith(document, 'let ring = alloc_pages');
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(new vscode.Location(uri, new vscode.Position(line, 0)))]);
    await vscode.commands.executeCommand('workbench.action.debug.start');
    const stop = await run.stopped();
    assert.equal(stop.reason, 'breakpoint');
    const [frame] = await run.stack(stop.threadId ?? 0);
    assert.deepEqual([fileOf(frame?.source?.path), frame?.line], [uri.fsPath, line + 1]);
  });

  it('stops in the kernel at a function breakpoint with a condition', async () => {
    const stop = await stopInAllocPages(run);
    assert.equal(stop.reason, 'function breakpoint');
    const frames = await run.stack(stop.threadId ?? 0);
    const [top, bottom] = [frames[0], frames.at(-1)];
    assert.ok(top && bottom);
    assert.equal(top.name, '__alloc_pages');
    assert.equal(fileOf(bottom.source?.path), scenario('order-4.pagewalk').fsPath);
    assert.match(engineLine(fileOf(top.source?.path), top.line), /\S/);
    const locals = await run.variables(top, 'Locals');
    assert.equal(locals.find((row) => row.name === 'order')?.value, '4');
    assert.ok((await run.variables(top, 'Machine')).some((row) => row.name === 'nodes'));
    await run.shown();
  });

  it('shows the zones at the stop, and forgets them at the end', async () => {
    const { zones } = vscode.extensions.getExtension<PagewalkApi>('pagewalk.pagewalk')?.exports ?? {};
    assert.ok(zones);
    await stopInAllocPages(run);
    const [node] = await until<Row[]>('the zones', () => zones.rows.length > 0 && zones.rows);
    assert.ok(node);
    assert.equal(node.label, 'Node 0');
    for (const zone of node.children) {
      assert.match(zone.description, /^(above high|below (high|low|min)) · [\d,]+ of [\d,]+ pages$/);
      assert.deepEqual(zone.children.map((row) => row.label), ['Free lists', 'Watermarks', 'Per-CPU pagesets']);
      assert.equal(zone.children[0]?.children.length, 11);
    }
    await run.end();
    assert.deepEqual(zones.rows, []);
  });

  it('shows the page cache and the LRU lists at the stop, down to pages, and forgets them at the end', async () => {
    const { pageCache, lru } = vscode.extensions.getExtension<PagewalkApi>('pagewalk.pagewalk')?.exports ?? {};
    assert.ok(pageCache && lru);
    const uri = scenario('readahead.pagewalk');
    const { document } = await show(uri);
    const line = lineWith(document, 'print("[page, from, pages]"');
    vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(new vscode.Location(uri, new vscode.Position(line, 0)))]);
    await vscode.commands.executeCommand('workbench.action.debug.start');
    await run.stopped();
    const rows = await until<Row[]>('the files', () => pageCache.rows.length > 0 && pageCache.rows);
    const log = rows.find(({ label }) => label === '/var/log/big');
    assert.match(log?.description ?? '', /^[▄▂▖]+▁+ 124 of 1,024 pages$/);
    const pages = await pageCache.getChildren(log) ?? [];
    assert.equal(pages.length, 124);
    assert.match(pages[0]?.label ?? '', /^0 → \d+$/);
    const item = pageCache.getTreeItem(log!);
    assert.match(item.accessibilityInformation?.label ?? '', /^\/var\/log\/big on sda: 124 of 1,024 pages cached/);
    const lists = await until<Row[]>('the lists', () => lru.rows.length > 0 && lru.rows);
    assert.deepEqual(lists.map(({ label }) => label), ['DMA', 'Normal', 'Pagevecs']);
    const inactive = await lru.getChildren(lists[1]!.children[1]) ?? [];
    assert.ok(inactive.some(({ description }) => description.endsWith(' · /var/log/big page 0')), inactive.map(({ description }) => description).join('\n'));
    await run.end();
    assert.deepEqual([pageCache.rows, lru.rows], [[], []]);
  });

  it('is shown though the session before it was stopped as soon as it stood', async () => {
    const { zones } = vscode.extensions.getExtension<PagewalkApi>('pagewalk.pagewalk')?.exports ?? {};
    assert.ok(zones);
    for (let again = 0; again < 4; again++) {
      await stopInAllocPages(run);
      await run.end();
      assert.deepEqual(zones.rows, []);
    }
    await stopInAllocPages(run);
    await run.shown();
    await until<Row[]>('the zones', () => zones.rows.length > 0 && zones.rows);
  });

  it('runs to its end: a last stop, then the session ends', async () => {
    const stop = await stopInAllocPages(run);
    await run.session.customRequest('continue', { threadId: stop.threadId });
    const atEnd = await run.stopped();
    const ended = new Promise((resolve) => vscode.debug.onDidTerminateDebugSession(resolve));
    await run.session.customRequest('continue', { threadId: atEnd.threadId });
    await ended;
  });
});

/** Starts order-4.pagewalk with the breakpoint `alloc_pages order>3` and waits for its stop. */
async function stopInAllocPages(run: DebugRun) {
  await show(scenario('order-4.pagewalk'));
  vscode.debug.addBreakpoints([new vscode.FunctionBreakpoint('alloc_pages order>3')]);
  await vscode.commands.executeCommand('workbench.action.debug.start');
  return run.stopped();
}

/** The line of the engine's source that a frame points at: the file must be there to be opened. */
function engineLine(file: string, line: number): string {
  assert.match(file, new RegExp(`engine\\${path.sep}mm\\${path.sep}page_alloc\\.ts$`));
  return fs.readFileSync(file, 'utf8').split('\n')[line - 1] ?? '';
}
