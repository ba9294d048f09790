// Random file calls of several processes, some of them at once, against a plain model (file-world.ts, file-calls.ts): every result, every byte that
// is read or loaded, every law of the machine, and after a power cut at random events what the disk must hold and what it may. A run that fails is
// made short and written as a scenario. PAGEWALK_SOAK=1 takes fifty times the calls.

import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Kernel } from '../../engine/kernel.ts';
import type { inode } from '../../engine/include/mm_types.ts';
import type { Pfn } from '../../engine/include/types.ts';
import { BH_Dirty } from '../../engine/include/buffer_head.ts';
import { PG_dirty } from '../../engine/include/page-flags.ts';
import { pfn_to_phys, phys } from '../../engine/include/types.ts';
import { PAGECACHE_TAG_DIRTY } from '../../engine/include/radix-tree.ts';
import { radix_tree_gang_lookup, radix_tree_gang_lookup_tag, radix_tree_tag_clear } from '../../engine/lib/radix-tree.ts';
import { read_phys, write_phys } from '../../engine/mm/contents.ts';
import { page_mapcount, test_page_flag } from '../../engine/mm/mem_map.ts';
import { test_clear_page_dirty } from '../../engine/mm/page-writeback.ts';
import { resize_ring, set_tracing, trace_records } from '../../engine/trace/events.ts';
import { run as runScenario } from '../language/running.ts';
import type { FileEngine } from './file-engine.ts';
import type { FileCourse, FileRun } from './file-lockstep.ts';
import { runFiles } from './file-lockstep.ts';
import { drawFileSetup, drawRound, makeFileSource } from './file-random.ts';
import { fileScenario } from './file-scenario.ts';
import { shrinkFiles } from './file-shrinking.ts';
import type { FileSetup, Round } from './file-steps.ts';

const CALLS = process.env['PAGEWALK_SOAK'] === '1' ? 1_000_000 : 20_000;
/** Rounds of one run, which has a machine of its own. */
const ROUNDS = 400;

/** A run of so many random rounds. */
function randomRun(setup: FileSetup, seed: number, rounds = ROUNDS): FileRun {
  const source = makeFileSource(setup, seed);
  let left = rounds;
  return { setup, next: (world, fds) => (left-- > 0 ? drawRound(source, world, fds) : null) };
}

/** A failed run made short. */
interface Report {
  rounds: Round[];
  text: string;
  story: string;
}

function report(setup: FileSetup, course: FileCourse, plant?: () => (engine: FileEngine) => void, patience?: number): Report {
  const { taken, what } = course.failure!;
  const { failure, rounds, tries, setup: plain } = shrinkFiles({ setup, rounds: taken }, plant, patience);
  const text = fileScenario({ setup: plain, rounds }, failure.what);
  return { rounds, text, story: `round ${taken.length}: ${what}\n${rounds.length} rounds are left after ${tries} tries: ${failure.what}` };
}

/** What to tell of a run that failed, with its scenario under the directory for temporary files. */
function told(setup: FileSetup, seed: number, course: FileCourse): string {
  const { text, rounds, story } = report(setup, course);
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'pagewalk-files-')), 'files.pagewalk');
  writeFileSync(file, text);
  return `seed ${seed}, ${story}\n${rounds.map((round) => JSON.stringify(round)).join('\n')}\n${file}:\n\n${text}`;
}

// ---- faults to be found -----------------------------------------------------------------------------------------------

/** Files on disks. */
function filesOf(k: Kernel): inode[] {
  return k.inodes.filter((inode) => inode !== null && inode.kind === 'file' && inode.i_bdev >= 0) as inode[];
}

function cachedOf(k: Kernel): Pfn[] {
  return filesOf(k).flatMap((inode) => radix_tree_gang_lookup(inode.page_tree, 0, Infinity).map(({ page }) => page));
}

/** Something that happens so many times, as soon as it can. */
function nth(wanted: number, act: (engine: FileEngine) => boolean): () => (engine: FileEngine) => void {
  return () => {
    let times = 0;
    return (engine) => {
      if (times < wanted && act(engine)) times++;
    };
  };
}

/** What a wrong engine could do, done to the right one while it works. */
const FAULTS: readonly [string, () => (engine: FileEngine) => void][] = [
  ['a mark of a dirty page that is lost', nth(1, ({ k }) => filesOf(k).some((inode) => {
    const [found] = radix_tree_gang_lookup_tag(inode.page_tree, 0, 1, PAGECACHE_TAG_DIRTY);
    if (found === undefined || !test_page_flag(k, found.page, PG_dirty)) return false;
    radix_tree_tag_clear(inode.page_tree, found.index, PAGECACHE_TAG_DIRTY);
    return true;
  }))],
  ['a dirty page that is taken for clean', nth(6, ({ k }) => cachedOf(k).some((page) => {
    if (!test_page_flag(k, page, PG_dirty)) return false;
    for (const bh of k.buffer_heads) if (bh?.b_page === page) bh.b_state &= ~BH_Dirty;
    return test_clear_page_dirty(k, page) === 1;
  }))],
  ['a block that is written with old bytes', () => {
    const before = new Map<number, unknown>();
    return ({ k }) => {
      for (const { platter } of k.block.disks) {
        for (const [block, bytes] of platter.written) {
          if (before.has(block) && before.get(block) !== bytes && block % 3 === 0) platter.written.set(block, before.get(block) as Uint8Array);
          else before.set(block, bytes);
        }
      }
    };
  }],
  ['an error that nobody is told of', () => ({ k }) => {
    for (const inode of filesOf(k)) inode.flags = 0;
  }],
  ['a byte of the cache that changes', nth(3, ({ k }) => cachedOf(k).some((page) => {
    if (page_mapcount(k, page) === 0) return false;
    write_phys(k, phys(pfn_to_phys(page) + 1), read_phys(k, phys(pfn_to_phys(page) + 1)) ^ 0xff);
    return true;
  }))],
  ['an open file that forgets where it stands', nth(4, ({ k }) => k.files.some((file) => {
    if (file === null || file.f_count < 2 || file.f_pos === 0) return false;
    file.f_pos = 0;
    return true;
  }))],
];

// ---- tests ------------------------------------------------------------------------------------------------------------

const MET = [
  'open', 'open -2', 'open -17', 'close', 'close -9', 'read', 'read -9', 'pread', 'pread -9', 'pread -22', 'write', 'write -9', 'pwrite', 'pwrite -9',
  'pwrite -22', 'lseek', 'lseek -9', 'lseek -22', 'ftruncate', 'ftruncate -9', 'ftruncate -22', 'fsync', 'fsync -9', 'sync', 'fadvise', 'fadvise -9',
  'fadvise -22', 'readahead', 'readahead -9', 'mmap', 'mmap -9', 'mmap -13', 'munmap', 'load', 'load signal 7', 'store', 'store signal 7',
  'store signal 11', 'msync', 'msync -22', 'madvise', 'drop_caches', 'fork', 'exit', 'sleep',
];

describe('files against a plain model', function () {
  this.timeout(180_000 + CALLS);

  const met = new Set<string>();
  for (const mayBreak of [false, true]) {
    it(`IV-5 IV-8 IV-10: ${CALLS / 2} calls${mayBreak ? ', while blocks break' : ''}; what is acknowledged is on the disk after a power cut at any event`, () => {
      let calls = 0;
      let cuts = 0;
      for (let seed = mayBreak ? 5_001 : 1; calls < CALLS / 2; seed++) {
        const setup = drawFileSetup(seed, { mayBreak });
        const course = runFiles(randomRun(setup, seed));
        if (course.failure !== null) assert.fail(told(setup, seed, course));
        calls += course.calls;
        cuts += course.cuts;
        for (const outcome of course.counts.keys()) met.add(outcome);
      }
      assert.ok(cuts > CALLS / 20, `${cuts} power cuts`);
    });
  }

  it('meets every call, and what may come of it', () => {
    const wanted = [...MET, 'fsync -5', 'pread -5'];
    assert.deepEqual(wanted.filter((outcome) => !met.has(outcome)), []);
  });

  it('IV-17: the same seed gives the same stream of events, and the same machine', () => {
    const once = (seed: number): { k: Kernel; events: ReturnType<typeof trace_records> } => {
      let isTraced = false;
      const { engine: { k }, failure } = runFiles({
        ...randomRun(drawFileSetup(seed), seed, 150),
        tamper: (engine) => {
          if (!isTraced) resize_ring(engine.k, 1 << 17);
          if (!isTraced) set_tracing(engine.k, 1);
          isTraced = true;
        },
      });
      assert.equal(failure, null);
      return { k, events: trace_records(k) };
    };
    const [one, other] = [once(3), once(3)];
    assert.ok(one.events.length > 1_000);
    assert.deepEqual(one.events, other.events);
    assert.deepEqual({ ...one.k, trace: null }, { ...other.k, trace: null });
  });
});

describe('the test of files itself', function () {
  this.timeout(240_000);

  it('a scenario says the same as the run it was made of', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const setup = { ...drawFileSetup(seed), laptopMode: 0 };
      const rounds: Round[] = [];
      const { next } = randomRun(setup, seed, 40);
      const { failure } = runFiles({
        setup, next: (world, fds) => {
          const round = next(world, fds);
          if (round !== null) rounds.push(round.slice(0, 1));
          return round === null ? null : round.slice(0, 1);
        },
      });
      assert.equal(failure, null);
      const text = fileScenario({ setup, rounds }, `seed ${seed}`);
      const { passed, end, output } = runScenario(text);
      assert.ok(passed && end.reason === 'ended', `${end.reason} ${output.filter(({ ok }) => !ok).map((record) => record.text).join('\n')}\n${text}`);
    }
  });

  for (const [what, plant] of FAULTS) {
    it(`finds ${what}, and makes the run short`, () => {
      for (let seed = 1; seed <= 60; seed++) {
        const setup = drawFileSetup(seed, { mayBreak: what.includes('error') });
        const course = runFiles({ ...randomRun(setup, seed, 250), tamper: plant() });
        if (course.failure === null) continue;
        const { rounds, story } = report(setup, course, plant, 200);
        assert.ok(rounds.length <= 16, story);
        return;
      }
      assert.fail('it is not found');
    });
  }
});
