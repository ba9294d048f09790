// From what people write and click to places, without an adapter. Lines are drawn: `F` begins a function, `s` is a statement, `}` ends the function.
import assert from 'node:assert/strict';
import { parseHitCondition } from '../../debug-adapter/breakpoints/hit-condition.ts';
import { splitName } from '../../debug-adapter/breakpoints/functions.ts';
import { didYouMean, nearNames, nearest } from '../../debug-adapter/breakpoints/near.ts';
import { resolveLine, spotsWithin } from '../../debug-adapter/breakpoints/resolve.ts';
import type { Region, Spot } from '../../debug-adapter/breakpoints/spots.ts';

function spot(line: number, column: number): Spot {
  return { line, column, endLine: line, endColumn: column + 1, places: [100 * line + column], names: [] };
}

/** The regions of a drawn file; a place is 100 × line + column. */
function draw(...lines: string[]): Region[] {
  const regions: Region[] = [];
  lines.forEach((text, index) => {
    const line = index + 1;
    if (text.startsWith('F')) regions.push({ name: `f${line}`, line, endLine: line, spots: [] });
    for (const match of text.matchAll(/s/g)) regions.at(-1)!.spots.push(spot(line, match.index + 1));
    if (text.startsWith('}')) regions.at(-1)!.endLine = line;
  });
  return regions;
}

function check(regions: Region[], expected: Record<string, number | string>): void {
  for (const [at, wanted] of Object.entries(expected)) {
    const [line, column] = at.split(':').map(Number);
    const resolved = resolveLine(regions, line!, column ?? null);
    assert.equal('spot' in resolved ? resolved.spot.places[0] : resolved.message, wanted, at);
  }
}

const FILE = draw('', 'F', ' s s s', '', ' s', '}', '', 'Fs', '', '}');

describe('a line', () => {
  it('is the nearest statement at or after it in its function', () => check(FILE, {
    '2': 302, '3': 302, '4': 502, '5': 502, '8': 802,
    '6': '`f2` has no statement at line 6 or after it.',
    '9': '`f8` has no statement at line 9 or after it.',
    '1': 'Line 1 is in no function and no body, so the machine never comes to it.',
    '7': 'Line 7 is in no function and no body, so the machine never comes to it.',
  }));

  it('with a column is the statement that the column is in', () => check(FILE, { '3:1': 302, '3:2': 302, '3:5': 304, '3:9': 306, '4:9': 502 }));

  it('of a file with nothing in it is nowhere', () => check([], { '1': 'The machine cannot stop in this file: it holds no statement that is watched.' }));

  it('lists what begins in it', () => {
    const at = (line: number, column: number | null, endLine: number, endColumn: number | null) =>
      spotsWithin(FILE, { line, column, endLine, endColumn }).map(({ places }) => places[0]);
    assert.deepEqual(at(3, null, 3, null), [302, 304, 306]);
    assert.deepEqual(at(3, 3, 3, 4), [304]);
    assert.deepEqual(at(3, 5, 5, 9), [306, 502]);
    assert.deepEqual(at(4, null, 4, null), []);
  });
});

describe('a hit condition', () => {
  const cases: Record<string, [string, number] | null> = {
    '5': ['==', 5], ' == 5 ': ['==', 5], '>5': ['>', 5], '>= 5': ['>=', 5], '<5': ['<', 5], '<=5': ['<=', 5], '%5': ['%', 5],
    '%0': null, '': null, '=5': null, '5 times': null, '-1': null, '> ': null,
  };
  for (const [text, expected] of Object.entries(cases)) {
    it(`\`${text}\``, () => {
      const parsed = parseHitCondition(text);
      assert.deepEqual(parsed === null ? null : [parsed.operator, parsed.count], expected);
    });
  }
});

describe('a function breakpoint\'s text', () => {
  const cases: Record<string, [string, string | null] | null> = {
    'alloc_pages': ['alloc_pages', null],
    'alloc_pages order>3': ['alloc_pages', 'order>3'],
    '  kmalloc size >= 4096 && !(flags & __GFP_WAIT) ': ['kmalloc', 'size >= 4096 && !(flags & __GFP_WAIT)'],
    'alloc_pages if order > 3': ['alloc_pages', 'order > 3'],
    'alloc_pages when order > 3': ['alloc_pages', 'order > 3'],
    'alloc_pages(order > 3)': ['alloc_pages', '(order > 3)'],
    'kmem:mm_page_alloc': ['kmem:mm_page_alloc', null],
    'mm_vmscan_* nid == 0': ['mm_vmscan_*', 'nid == 0'],
    'free_pages iffy': ['free_pages', 'iffy'],
    '': null, '  ': null, '> 3': null,
  };
  for (const [text, expected] of Object.entries(cases)) {
    it(`\`${text}\``, () => {
      const split = splitName(text);
      assert.deepEqual(split === null ? null : [split.name, split.condition], expected);
    });
  }
});

describe('near names', () => {
  const known = ['alloc_pages', '__alloc_pages', 'free_pages', 'order', 'zone'];
  it('are parts, misspellings and other cases', () => {
    assert.deepEqual(nearNames('alloc', known, 5), ['alloc_pages', '__alloc_pages']);
    assert.deepEqual(nearNames('aloc_pages', known, 1), ['alloc_pages']);
    assert.deepEqual(nearNames('ORDER', known, 5), ['order']);
    assert.deepEqual(nearNames('elephant', known, 5), []);
  });

  it('are the three that are most alike where nothing is near', () => {
    assert.equal(nearest('alloc', known), didYouMean('alloc', known));
    assert.equal(nearest('zonelist_order', known), ' The nearest are `order`, `zone` and `alloc_pages`.');
  });

  it('are offered in a sentence', () => {
    assert.equal(didYouMean('alloc', known), ' Did you mean `alloc_pages` or `__alloc_pages`?');
    assert.equal(didYouMean('elephant', known), '');
  });
});
