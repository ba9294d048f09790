// The rows below a page: its struct page, the same in every view that comes to one.
import type { PageRow } from '../../debug-adapter/protocol.ts';
import type { Row } from './rows.ts';
import { size, value } from './rows.ts';

/** What is below the row `parent`; `lru` where the view knows which list the page is on. */
export function pageRows({ pfn, zone, flags, count, mapcount, mapping, index }: PageRow, parent: string, lru?: string): Row[] {
  const row = (label: string, description: string, tooltip: string): Row => ({ ...value({ id: `${parent}/${label}`, label, description, tooltip }), state: 'page' });
  return [
    row('frame', `${pfn} (0x${pfn.toString(16)}) in ${zone}`, `Physical address 0x${(pfn * 4096).toString(16)}, ${size(1)}.`),
    row('flags', flags, 'page->flags'),
    row('references', `${count}`, 'page->_count: whoever may not see it freed.'),
    row('mappings', `${mapcount}`, 'page->_mapcount + 1: page-table entries that name it.'),
    row('mapping', mapping, 'page->mapping: what it belongs to.'),
    row('index', `${index}`, 'page->index: its place there, in pages.'),
    ...(lru === undefined ? [] : [row('lru', lru === '' ? 'none' : lru, 'page->lru: the list that it is on.')]),
  ];
}
