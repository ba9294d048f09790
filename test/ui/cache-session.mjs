// Files under the debugger: the Page Cache view draws what of a file is cached, dirty and under write-back, and the LRU view has the same pages on
// their lists.
import assert from 'node:assert/strict';
import {
  closePane, closePanel, collapseRows, endDebugging, expandRows, findRow, openFile, openPane, paneRows, startDebugging, toggleBreakpoint, until,
} from './person.mjs';

export const cacheSession = {
  title: 'the page cache',
  steps: [
    ['F5 stops with pages of all sorts, pdflush among the threads', 'cache-1-stop', async (page) => {
      await closePanel(page);
      await openFile(page, 'page-cache.pagewalk');
      await toggleBreakpoint(page, 'print("all sorts of pages")');
      const [top] = await startDebugging(page, 'logger');
      assert.equal(top.file, 'page-cache.pagewalk');
      await findRow(page, 'Call Stack', 'pdflush', 1);
      for (const title of ['Variables', 'Watch', 'Breakpoints', 'Zones', 'Processes', 'Call Stack']) await closePane(page, title);
    }],

    ['the Page Cache view draws each file as a strip, with counts', 'cache-2-strips', async (page) => {
      await openPane(page, 'Page Cache');
      await findRow(page, 'Page Cache', '/var/log/big', 1);
      const rows = await paneRows(page, 'Page Cache');
      assert.deepEqual(rows, [
        'Dirty pages 2 · 3 under write-back · limits 1,638 and 6,553', '/data ▖▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 16 of 8,192 pages',
        '/var/log/big ▄▟▄▄▄▒▄▄█▁▁▁▁▁▁▁ 34 of 64 pages · 2 dirty · 3 writeback',
      ].map((row) => row.replace(/^(Dirty pages|\/\S+) /, '$1')), rows.join('\n'));
    }],

    ['a file opens to its pages, and a page to its struct page', 'cache-3-pages', async (page) => {
      await expandRows(page, 'Page Cache', '/var/log/big', '33 → \\d+');
      await findRow(page, 'Page Cache', 'lru', 3);
      const rows = await paneRows(page, 'Page Cache');
      assert.ok(rows.some((row) => /^lru ?inactive list$/.test(row)), rows.join('\n'));
      assert.ok(rows.some((row) => /^flags ?PG_referenced\|PG_uptodate\|PG_dirty\|PG_lru/.test(row)), rows.join('\n'));
    }],

    ['hovering a file says what its strip means', 'cache-4-legend', async (page) => {
      await collapseRows(page, 'Page Cache', '/var/log/big', 1);
      const row = await findRow(page, 'Page Cache', '/var/log/big', 1);
      assert.match(await row.getAttribute('aria-label'), /34 of 64 pages cached\. .* pages 20 to 22 under write-back/);
      await row.hover();
      await page.locator('.workbench-hover, .monaco-hover', { hasText: 'A cell is a page' }).first().waitFor();
    }],

    ['the LRU view has the lists from head to tail, with letters and owners', 'cache-5-lru', async (page) => {
      await closePane(page, 'Page Cache');
      await openPane(page, 'LRU');
      await expandRows(page, 'LRU', 'Normal', 'Inactive list');
      await findRow(page, 'LRU', '\\d+ ?lf · /data page 15', 3);
      const rows = await until('the pages under write-back', async () => {
        const seen = await paneRows(page, 'LRU');
        return seen.some((row) => /^\d+ ?rdf · \/var\/log\/big page 3[23]$/.test(row)) && seen;
      });
      assert.ok(rows.some((row) => /^Inactive list ?50 pages/.test(row)), rows.join('\n'));
    }],

    ['the session ends', 'cache-6-end', async (page) => {
      await endDebugging(page);
    }],
  ],
};
