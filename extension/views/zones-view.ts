// The view "Zones" in the debug side bar: node → zone → free lists, watermarks, per-CPU pagesets, and below the nodes slab caches, mempools and
// vmalloc areas, as they stand at this stop.
import type { ZonesResponse } from '../../debug-adapter/protocol.ts';
import { ZONES_VIEW } from '../names.ts';
import type { StopTreeKind } from './stop-tree.ts';
import { zonesRows } from './zones-rows.ts';

export const ZONES: StopTreeKind<ZonesResponse> = { view: ZONES_VIEW, request: 'pagewalk/zones', noun: 'zones', opensItself: true, rows: zonesRows };
