// A scenario with a mistake: a squiggle under it, and the same message in the Problems view.
import assert from 'node:assert/strict';
import { openFile, problemRows, until } from './person.mjs';

export const brokenScenario = {
  title: 'a broken scenario',
  steps: [
    ['shows a squiggle under the mistake', 'broken-squiggle', async (page) => {
      await openFile(page, 'broken.pagewalk');
      await page.locator('.editor-instance .squiggly-error').first().waitFor();
    }],
    ['is listed in Problems, at the same place as the command line says', 'broken-problems', async (page) => {
      await page.keyboard.press('Control+Shift+M');
      const rows = await until('a problem', async () => {
        const all = await problemRows(page);
        return all.length > 1 && all;
      });
      assert.match(rows[1], /pgae.*\[Ln 8, Col 14\]/);
    }],
  ],
};
