// The texts of the Processes tree, without VS Code.
import assert from 'node:assert/strict';
import type { ProcessRow } from '../../debug-adapter/protocol.ts';
import { entryRows, processesRows, tableRows, vmaRows } from '../../extension/views/processes-rows.ts';
import type { Row } from '../../extension/views/rows.ts';

const HOG: ProcessRow = {
  pid: 1, name: 'hog', state: 'R', waits_for: '', signal: 0, total_vm: 20_505, rss: 20_481, anon_rss: 20_480, file_rss: 1, nr_ptes: 22, min_flt: 20_481,
  maj_flt: 1, nr_vmas: 4, isCurrent: true,
};

describe('the rows of the Processes view', () => {
  it('say how each process fares', () => {
    const processes = [
      HOG, { ...HOG, pid: 2, name: 'idle', isCurrent: false }, { ...HOG, pid: 3, state: 'S', isCurrent: false, waits_for: 'a sleep' },
      { ...HOG, pid: 4, state: 'Z', isCurrent: false }, { ...HOG, pid: 5, state: 'Z', isCurrent: false, signal: 11 },
    ];
    assert.equal(drawn(processesRows({ processes }, new Map()).rows), `
hog (1): runs · 20,481 pages resident [running]
idle (2): ready · 20,481 pages resident [ready]
hog (3): waits for a sleep · 20,481 pages resident [sleeping]
hog (4): ended · 20,481 pages resident [ended]
hog (5): ended by signal 11 · 20,481 pages resident [killed]
`.trimStart());
  });

  it('say by how much what is resident changed since the stop before', () => {
    const { counts } = processesRows({ processes: [HOG] }, new Map());
    const [row] = processesRows({ processes: [{ ...HOG, rss: 20_485 }] }, counts).rows;
    assert.equal(row?.description, 'runs · 20,485 pages (+4) resident');
    assert.equal(row?.tooltip, '20,485 pages (80.0 MiB) of 20,505 pages (80.1 MiB) are resident: 20,480 anonymous, 1 of files. 4 areas, 22 page tables. Faults: 20,481 minor, 1 major.');
  });

  it('go down to areas, tables, entries and pages', () => {
    const vma = { end: '0x804c000', permissions: 'r-xp', flags: 'VM_READ|VM_EXEC', pages: 4, dirty: 0 };
    const areas = vmaRows({ vmas: [
      { ...vma, start: '0x8048000', name: '/bin/hog', rss: 1 }, { ...vma, start: '0xb3000000', end: '0xb8000000', permissions: 'rw-p', name: '', rss: 0, pages: 20_480 },
    ] }, 1);
    assert.equal(drawn(areas), `
08048000-0804c000 r-xp: /bin/hog · 1 of 4 pages [vma]
b3000000-b8000000 rw-p: 0 of 20,480 pages [vma]
`.trimStart());
    assert.deepEqual(areas.map(({ isLazy, below }) => ({ isLazy, below })), [
      { isLazy: true, below: { what: 'tables', pid: 1, start: '0x8048000' } }, { isLazy: false, below: { what: 'tables', pid: 1, start: '0xb3000000' } },
    ]);
    const tables = tableRows({ tables: [{ start: '0xb3000000', end: '0xb3400000', pfn: 4501, present: 1024, swapped: 2 }] }, 1);
    assert.equal(drawn(tables), 'b3000000-b3400000: 1,024 present · 2 in swap · table in frame 4501 [table]\n');
    const page = { pfn: 4502, zone: 'Normal', flags: 'PG_lru|PG_active', count: 1, mapcount: 1, mapping: 'anon_vma 1', index: 733_184 };
    const entries = entryRows({ entries: [
      { address: '0xb3000000', value: '0x1196067', bits: 'PRESENT|RW|USER|ACCESSED|DIRTY', page }, { address: '0xb3001000', value: '0x1200', bits: 'swap entry: area 0, slot 18', page: null },
    ] }, 1);
    assert.equal(drawn(entries), `
0xb3000000 → 4502: PRESENT|RW|USER|ACCESSED|DIRTY [pte]
  frame: 4502 (0x1196) in Normal [page]
  flags: PG_lru|PG_active [page]
  references: 1 [page]
  mappings: 1 [page]
  mapping: anon_vma 1 [page]
  index: 733184 [page]
0xb3001000: swap entry: area 0, slot 18 [swapped]
`.trimStart());
  });

  it('have an id of their own, the same at every stop', () => {
    const rows = vmaRows({ vmas: [{ start: '0x8048000', end: '0x804c000', permissions: 'r-xp', name: '', flags: '', pages: 4, rss: 1, dirty: 0 }] }, 7);
    assert.deepEqual(rows.map(({ id }) => id), ['process/7/vma/0x8048000']);
  });
});

function drawn(rows: Row[], indent = ''): string {
  return rows.map((row) => `${indent}${row.label}: ${row.description} [${row.state}]\n${drawn(row.children, `${indent}  `)}`).join('');
}
