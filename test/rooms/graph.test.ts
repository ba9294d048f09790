// ARCHITECTURE.md draws the imports as they are.

import assert from 'node:assert/strict';
import { ROOT, runTool } from './overlay.ts';

describe('rooms: graph', () => {
  it('in ARCHITECTURE.md is the one the code gives', () => assert.equal(runTool(ROOT, '../build/graph.mjs', ['--check']), 'graph: fresh\n'));
});
