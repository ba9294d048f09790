// Every mistake is one message, at the right place, with the whole text compared.
import assert from 'node:assert/strict';
import { checkScenario } from '../../language/index.ts';
import { readCases, scenarioOf, show, writeCases } from './front-cases.ts';
import type { Case } from './front-cases.ts';

const isUpdating = process.env['UPDATE_GOLDENS'] === '1';

for (const table of ['front-syntax', 'front-validation']) {
  describe(`messages of ${table}.txt`, () => {
    const cases = readCases(table);

    for (const one of cases) {
      it(`${one.kind}: ${one.name}`, () => {
        if (isUpdating) return void (one.expected = messagesOf(one));
        assert.notEqual(one.expected.length, 0, 'the table has no message for this case: run with UPDATE_GOLDENS=1');
        assert.deepEqual(messagesOf(one), one.expected);
      });
    }

    after(() => {
      if (isUpdating) writeCases(table, cases);
    });
  });
}

function messagesOf(one: Case): string[] {
  return show(checkScenario(scenarioOf(one), 'case.pagewalk').problems, one.kind);
}
