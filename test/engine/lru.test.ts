// The LRU lists and the way of pages onto them and off them (KERNEL.md L-1 … L-8, PA-26), and pages that are given up once unmapped (F-8, F-12).
//
//   active: c b* | inactive: a | adding: d | adding active: e | freed: f
//
// A page is a letter, lists are written head first, `*` is PG_referenced. What is empty is left out; a page that is nowhere is in use.

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { ListHead, Pfn } from '../../engine/include/types.ts';
import { pfn } from '../../engine/include/types.ts';
import { GFP_DMA, GFP_KERNEL, __GFP_COMP } from '../../engine/include/gfp.ts';
import { PG_active, PG_locked, PG_lru, PG_referenced, PG_swapcache } from '../../engine/include/page-flags.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import {
  clear_page_flag, get_page, inc_page_mapcount, list_pages, page_count, page_count_raw, reset_page_mapcount, set_page_flag, test_page_flag,
} from '../../engine/mm/mem_map.ts';
import { alloc_pages } from '../../engine/mm/page_alloc.ts';
import { check_machine } from '../../engine/mm/check.ts';
import {
  activate_page, lru_add_drain, lru_cache_add, lru_cache_add_active, mark_page_accessed, page_cache_release, put_page, release_pages,
} from '../../engine/mm/swap.ts';
import { can_share_swap_page, free_page_and_swap_cache, free_pages_and_swap_cache } from '../../engine/mm/swap_state.ts';
import { PGACTIVATE, vm_events } from '../../engine/mm/vmstat.ts';
import { set_tracing, show_field, trace_records } from '../../engine/trace/events.ts';
import { TRACEPOINTS } from '../../engine/trace/tracepoints.ts';
import { machineWith } from './tasks.ts';
import { zoneNamed } from '../oracle/engine-door.ts';
import { MiB } from './notation.ts';

/** A machine and its pages by letter; a page is allocated when its letter is first said. */
interface Pages {
  k: Kernel;
  page(letter: string): Pfn;
  letters: Map<number, string>;
}

function booted(cpus = 1): Pages {
  const { k } = machineWith([], { memory: 64 * MiB, cpus });
  const letters = new Map<number, string>();
  const page = (letter: string): Pfn => {
    for (const [frame, known] of letters) if (known === letter) return pfn(frame);
    const frame = run_to_end(k, alloc_pages(k, GFP_KERNEL, 0));
    letters.set(frame, letter);
    return frame;
  };
  return { k, page, letters };
}

const words = (letters: string): string[] => letters.split(' ');

/** Where the pages are, in the notation. */
function stateOf({ k, letters }: Pages, zone = 'Normal'): string {
  const name = (page: Pfn): string => `${letters.get(page) ?? '?'}${test_page_flag(k, page, PG_referenced) ? '*' : ''}`;
  const { active_list, inactive_list } = zoneNamed(k, zone);
  const list = (head: ListHead): Pfn[] => list_pages(k, head);
  const freed = [...letters.keys()].map(pfn).filter((page) => page_count_raw(k, page) === 0);
  const places: [string, Pfn[]][] = [
    ['active', list(active_list)], ['inactive', list(inactive_list)], ['adding', k.lru_add_pvecs[k.cpu]!.pages],
    ['adding active', k.lru_add_active_pvecs[k.cpu]!.pages], ['freed', freed],
  ];
  return places.filter(([, pages]) => pages.length > 0).map(([place, pages]) => `${place}: ${pages.map(name).join(' ')}`).join(' | ');
}

/** Does something with pages of a new machine, and compares where they are then; the laws hold. */
function check(test: { run(at: Pages): void; to: string }): void {
  const at = booted();
  test.run(at);
  assert.equal(stateOf(at), test.to);
  assert.deepEqual(check_machine(at.k), []);
}

/** A page on the list of that name, whose owner keeps its reference. */
function put(at: Pages, list: 'active' | 'inactive', letters: string): void {
  for (const letter of words(letters)) (list === 'active' ? lru_cache_add_active : lru_cache_add)(at.k, at.page(letter));
  lru_add_drain(at.k);
}

describe('LRU pagevecs', () => {
  it('L-2: up to 13 pages wait for their list, each with a reference more', () => {
    const at = booted();
    for (const letter of words('a b c d e f g h i j k l m')) lru_cache_add(at.k, at.page(letter));
    assert.equal(stateOf(at), 'adding: a b c d e f g h i j k l m');
    assert.deepEqual([page_count(at.k, at.page('a')), test_page_flag(at.k, at.page('a'), PG_lru)], [2, false]);
  });

  it('L-1 L-2: the 14th brings all of them onto the list, the last one at the head', () => {
    const all = 'a b c d e f g h i j k l m n';
    check({ run: ({ k, page }) => words(all).forEach((letter) => lru_cache_add(k, page(letter))), to: 'inactive: n m l k j i h g f e d c b a' });
    check({ run: ({ k, page }) => words(all).forEach((letter) => lru_cache_add_active(k, page(letter))), to: 'active: n m l k j i h g f e d c b a' });
    const at = booted();
    for (const letter of words(all)) lru_cache_add_active(at.k, at.page(letter));
    assert.deepEqual(words(all).map((letter) => page_count(at.k, at.page(letter))), words(all).map(() => 1));
    assert.equal(test_page_flag(at.k, at.page('a'), PG_active), true);
  });

  it('L-1: pages of one batch come to the lists of their own zones', () => {
    const at = booted();
    const low = run_to_end(at.k, alloc_pages(at.k, GFP_DMA, 0));
    at.letters.set(low, 'low');
    for (const letter of ['a', 'low', 'b']) lru_cache_add(at.k, at.page(letter));
    lru_add_drain(at.k);
    assert.deepEqual([stateOf(at), stateOf(at, 'DMA')], ['inactive: b a', 'inactive: low']);
    assert.deepEqual(check_machine(at.k), []);
  });

  it('L-3: lru_add_drain empties both batches of its own CPU, and no other\'s', () => {
    const at = booted(2);
    lru_cache_add(at.k, at.page('a'));
    lru_cache_add_active(at.k, at.page('b'));
    at.k.cpu = 1;
    lru_cache_add(at.k, at.page('c'));
    lru_add_drain(at.k);
    assert.equal(stateOf(at), 'inactive: c');
    at.k.cpu = 0;
    lru_add_drain(at.k);
    assert.equal(stateOf(at), 'active: b | inactive: a c');
  });

  it('EV-3: each insertion is an event, then each batch', () => {
    const at = booted();
    const [a, b] = [at.page('a'), at.page('b')];
    set_tracing(at.k, 1);
    const since = at.k.trace.ring.seq;
    lru_cache_add(at.k, a);
    lru_cache_add_active(at.k, b);
    lru_add_drain(at.k);
    lru_add_drain(at.k);
    const events = trace_records(at.k, since).map(({ id, name, args }) => {
      const shown = TRACEPOINTS[id]!.fields.filter(([field]) => field !== 'flags').map(([field, kind]) => show_field(kind, args[field]!));
      return [name, ...shown].join(' ');
    });
    assert.deepEqual(events, [
      `mm_lru_insertion ${a} ${a} 0`, 'mm_lru_pagevec_flush 0 1', `mm_lru_insertion ${b} ${b} 1`, 'mm_lru_pagevec_flush 1 1',
    ]);
  });

  it('L-2: a page whose owner let go while it waited is freed when the batch comes to the list', () => {
    check({
      run(at) {
        lru_cache_add(at.k, at.page('a'));
        lru_cache_add(at.k, at.page('b'));
        put_page(at.k, at.page('a'));
        assert.equal(stateOf(at), 'adding: a b');
        lru_add_drain(at.k);
      },
      to: 'inactive: b | freed: a',
    });
  });

  it('L-2: a page that is on a list cannot be added once more', () => {
    const at = booted();
    put(at, 'active', 'a');
    lru_cache_add(at.k, at.page('a'));
    assert.throws(() => lru_add_drain(at.k), /kernel BUG at mm\/swap\.c:__pagevec_lru_add: page \d+ is on a list already/);
  });
});

describe('use of pages', () => {
  const touch = (at: Pages, letter: string): void => mark_page_accessed(at.k, at.page(letter));

  it('L-5: an inactive page is referenced at the first touch, active at the second, active and referenced at the third', () => {
    const at = booted();
    put(at, 'inactive', 'a b c');
    const states = ['', '', '', ''].map(() => {
      touch(at, 'b');
      return stateOf(at);
    });
    assert.deepEqual(states, ['inactive: c b* a', 'active: b | inactive: c a', 'active: b* | inactive: c a', 'active: b* | inactive: c a']);
    assert.equal(vm_events(at.k, PGACTIVATE), 1);
    assert.deepEqual(check_machine(at.k), []);
  });

  it('L-5: while a page waits in a pagevec, more touches than one change nothing', () => {
    check({ run: (at) => { lru_cache_add(at.k, at.page('a')); touch(at, 'a'); touch(at, 'a'); }, to: 'adding: a*' });
    check({ run: (at) => { lru_cache_add(at.k, at.page('a')); touch(at, 'a'); touch(at, 'a'); touch(at, 'a'); }, to: 'adding: a*' });
  });

  it('L-7: activate_page moves a page of the inactive list to the head of the active one, and no other page', () => {
    check({ run(at) { put(at, 'active', 'a b'); put(at, 'inactive', 'c d'); activate_page(at.k, at.page('c')); }, to: 'active: c b a | inactive: d' });
    check({ run(at) { put(at, 'active', 'a b'); activate_page(at.k, at.page('a')); }, to: 'active: b a' });
    check({ run(at) { lru_cache_add(at.k, at.page('a')); activate_page(at.k, at.page('a')); }, to: 'adding: a' });
  });
});

describe('references to pages', () => {
  it('L-8 PA-26: the last reference takes a page off its list and frees it', () => {
    check({ run(at) { put(at, 'active', 'a b'); put_page(at.k, at.page('a')); }, to: 'active: b | freed: a' });
    check({ run(at) { put(at, 'inactive', 'a b'); get_page(at.k, at.page('a')); page_cache_release(at.k, at.page('a')); }, to: 'inactive: b a' });
    const at = booted();
    put(at, 'active', 'a');
    put_page(at.k, at.page('a'));
    assert.deepEqual([PG_lru, PG_active].map((bit) => test_page_flag(at.k, at.page('a'), bit)), [false, false]);
    assert.deepEqual(at.k.log.lines.filter(({ text }) => text.startsWith('Bad page')), []);
  });

  it('L-8: release_pages drops one reference each, and frees 14 at a time, the last of them first', () => {
    const at = booted();
    const letters = words('a b c d e f g h i j k l m n o p');
    put(at, 'inactive', letters.join(' '));
    get_page(at.k, at.page('c'));
    const { pcp } = zoneNamed(at.k, 'Normal').pageset[0]!;
    const before = list_pages(at.k, pcp[0].list).length;
    release_pages(at.k, letters.map((letter) => at.page(letter)), 0);
    const freed = list_pages(at.k, pcp[0].list);
    assert.equal(freed.slice(0, freed.length - before).map((page) => at.letters.get(page)).join(' '), 'p a b d e f g h i j k l m n o');
    assert.equal(stateOf(at).split(' | ')[0], 'inactive: c');
    assert.deepEqual(check_machine(at.k), []);
  });

  it('L-8: a cold batch goes to the cold list of the CPU', () => {
    const at = booted();
    const pages = ['a', 'b'].map((letter) => at.page(letter));
    release_pages(at.k, pages, 1);
    assert.deepEqual(list_pages(at.k, zoneNamed(at.k, 'Normal').pageset[0]!.pcp[1].list), pages);
  });

  it('P-6 PA-26: of a compound block every page counts for the head', () => {
    const at = booted();
    const block = run_to_end(at.k, alloc_pages(at.k, GFP_KERNEL | __GFP_COMP, 2));
    get_page(at.k, block);
    const { free_pages } = zoneNamed(at.k, 'Normal');
    release_pages(at.k, [pfn(block + 3), pfn(block + 1)], 0);
    assert.equal(zoneNamed(at.k, 'Normal').free_pages, free_pages + 4);
    assert.deepEqual(check_machine(at.k), []);
  });
});

describe('pages that were unmapped', () => {
  it('L-3 F-12: free_pages_and_swap_cache first empties the pagevecs, so that what waits there is freed too', () => {
    check({
      run(at) {
        const pages = words('a b c').map((letter) => at.page(letter));
        for (const page of pages) lru_cache_add_active(at.k, page);
        get_page(at.k, at.page('b'));
        free_pages_and_swap_cache(at.k, pages);
      },
      to: 'active: b | freed: a c',
    });
  });

  it('F-12: a single page leaves its pagevec only later', () => {
    check({ run(at) { lru_cache_add_active(at.k, at.page('a')); free_page_and_swap_cache(at.k, at.page('a')); }, to: 'adding active: a' });
  });

  it('F-8: a page may be written in place where one entry names it', () => {
    const at = booted();
    const a = at.page('a');
    assert.throws(() => can_share_swap_page(at.k, a), /kernel BUG at mm\/swapfile\.c:can_share_swap_page: the page is not locked/);
    set_page_flag(at.k, a, PG_locked);
    const answers = [1, 2].map(() => {
      inc_page_mapcount(at.k, a);
      return can_share_swap_page(at.k, a);
    });
    assert.deepEqual(answers, [true, false]);
    reset_page_mapcount(at.k, a);
    clear_page_flag(at.k, a, PG_locked);
  });

  it('9.3: a page of the swap cache is a BUG by name', () => {
    const at = booted();
    set_page_flag(at.k, at.page('a'), PG_swapcache);
    assert.throws(() => free_page_and_swap_cache(at.k, at.page('a')), /the swap cache is not modelled yet/);
  });
});
