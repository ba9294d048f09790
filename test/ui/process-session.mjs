// A process under the debugger: a page that is copied when a child writes to it, and the way down to it in the scope Task and in the Processes view.
import assert from 'node:assert/strict';
import {
  addFunctionBreakpoint, callStack, closePane, closePanel, endDebugging, expandRows, findRow, openFile, openPane, paneRows, startDebugging, until,
} from './person.mjs';

export const processSession = {
  title: 'a process that forks',
  steps: [
    ['F5 stops where the child\'s write copies a page, with the fault\'s frames above the scenario\'s', 'process-1-copy', async (page) => {
      await closePanel(page);
      await openFile(page, 'fork-cow.pagewalk');
      await addFunctionBreakpoint(page, 'cow_user_page');
      const [top] = await startDebugging(page, 'child');
      assert.equal(top.name, 'cow_user_page');
      for (const title of ['Breakpoints', 'Zones', 'Processes']) await closePane(page, title);
      await until('the frames of the fault', async () => {
        const frames = await callStack(page);
        return frames.at(-1)?.file === 'fork-cow.pagewalk' && ['do_wp_page', 'handle_mm_fault', 'do_page_fault'].every((name) => frames.some((frame) => frame.name === name));
      });
    }],

    ['the scope Task opens to the areas of the process', 'process-2-task', async (page) => {
      await closePane(page, 'Call Stack');
      await openPane(page, 'Variables');
      await expandRows(page, 'Variables', 'Task', 'vmas');
      await findRow(page, 'Variables', '\\[2\\]', 3);
    }],

    ['the Processes view goes down to a page that both have', 'process-3-processes', async (page) => {
      await closePane(page, 'Variables');
      await openPane(page, 'Processes');
      await expandRows(page, 'Processes', 'child \\(\\d+\\)', 'b7[0-9a-f]+-b8000000 rw-p', '0x[0-9a-f]+ → \\d+');
      await findRow(page, 'Processes', 'mappings', 4);
      const rows = await paneRows(page, 'Processes');
      assert.ok(rows.some((row) => /^parent \(1\) ?waits for the end of child · 4 pages resident/.test(row)), rows.join('\n'));
      assert.ok(rows.some((row) => /^child \(\d+\) ?runs · 4 pages resident/.test(row)), rows.join('\n'));
      assert.ok(rows.some((row) => /^mappings ?2$/.test(row)), rows.join('\n'));
    }],

    ['the session ends', 'process-4-end', async (page) => {
      await endDebugging(page);
    }],
  ],
};
