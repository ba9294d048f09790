// The view "LRU" in the debug side bar: zone → active and inactive list → pages from head to tail, and the pagevecs of each CPU, as they stand at
// this stop. Pages are asked for when a list is opened.
import type { DebugSession } from 'vscode';
import type { LruPagesResponse, LruResponse } from '../../debug-adapter/protocol.ts';
import { LRU_VIEW } from '../names.ts';
import type { LruTreeRow } from './lru-rows.ts';
import { lruPageRows, lruRows } from './lru-rows.ts';
import type { Row } from './rows.ts';
import type { StopTreeKind } from './stop-tree.ts';

export const LRU: StopTreeKind<LruResponse> = { view: LRU_VIEW, request: 'pagewalk/lru', noun: 'LRU lists', rows: lruRows, load: loadBelow };

async function loadBelow(session: DebugSession, row: Row): Promise<Row[]> {
  const { below = [] } = row as LruTreeRow;
  const stretches = await Promise.all(below.map(async (args) => lruPageRows(await session.customRequest('pagewalk/lruPages', args) as LruPagesResponse, args)));
  return stretches.flat();
}
