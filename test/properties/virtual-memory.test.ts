// Random system calls of one to four processes against a plain model of memory (memory-model.ts): every result, every signal, every area, every byte.
// What a call touched is compared after it; everything, with the laws IV-6, IV-7, IV-11, IV-12 and IV-15, every 500 calls. A run that fails is made
// short and written as a scenario. PAGEWALK_SOAK=1 takes fifty times the calls.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { mm_struct, tlb } from '../../engine/include/mm_types.ts';
import { write_pte } from '../../engine/arch/pgtable.ts';
import type { pte_t } from '../../engine/arch/pte.ts';
import { pte_mkwrite, pte_write } from '../../engine/arch/pte.ts';
import { mm_of, mm_vmas } from '../../engine/mm/mm_struct.ts';
import { pte_entries, pte_tables } from '../../engine/mm/page_walk.ts';
import { run as runScenario } from '../language/running.ts';
import type { Engine } from './engine-side.ts';
import { taskIn } from './engine-side.ts';
import type { Course, Run } from './lockstep.ts';
import { run } from './lockstep.ts';
import { drawSetup, drawStep, makeSource } from './random-steps.ts';
import { scenarioOf } from './scenario-text.ts';
import type { Recording } from './shrinking.ts';
import { shrink } from './shrinking.ts';
import type { Setup, Step } from './system-calls.ts';
import { predict } from './system-calls.ts';

const CALLS = process.env['PAGEWALK_SOAK'] === '1' ? 1_000_000 : 20_000;
/** Calls of one run, which has a machine of its own. */
const CALLS_OF_RUN = 2_000;
const MADV_DONTNEED = 4;

/** Machines of both architectures, of one to four CPUs, under every rule of overcommitting. */
const MACHINES: readonly Pick<Setup, 'arch' | 'cpus' | 'overcommit'>[] = Array.from({ length: 12 }, (_, i) => ({
  arch: i % 3 === 2 ? 'x86_64' : 'i386', cpus: 1 + (i % 4), overcommit: ([1, 2, 0] as const)[(i + Math.floor(i / 3)) % 3]!,
}));

/** The machine of a run; `seed` chooses what the machine's kind leaves open. */
function setupOf(kind: Pick<Setup, 'arch' | 'cpus' | 'overcommit'>, seed: number): Setup {
  return { ...drawSetup(seed), ...kind, hasFiles: seed % 2 === 0, overcommitRatio: [8, 20, 8, 50][seed % 4]! };
}

/** A run of so many random steps. */
function randomRun(setup: Setup, seed: number, steps: number): Run {
  const source = makeSource(setup, seed);
  let left = steps;
  return { setup, next: (world, results) => (left-- > 0 ? drawStep(source, world, results) : null) };
}

/** A failed run made short: the scenario of it, its steps, and how it went. */
interface Report {
  text: string;
  steps: Step[];
  story: string;
}

function report(setup: Setup, course: Course, how: Pick<Run, 'predict' | 'afterEngine'> = {}): Report {
  const recording: Recording = { setup, steps: course.failure!.taken };
  const { failure, steps, tries, setup: plain } = shrink(recording, how);
  const { what, at } = failure.difference;
  const text = scenarioOf({ setup: plain, steps }, { ram: ramOf(plain), why: what, at, ...how });
  const first = `call ${recording.steps.length}: ${course.failure!.difference.what}`;
  return { text, steps, story: `${first}\n${steps.length} calls are left after ${tries} tries: ${what}` };
}

/** Writes a scenario under the directory for temporary files; its path. */
function saved(text: string): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'pagewalk-virtual-memory-')), 'virtual-memory.pagewalk');
  writeFileSync(file, text);
  return file;
}

/** What to tell of a run that failed. */
function told(setup: Setup, seed: number, course: Course): string {
  const { text, story } = report(setup, course);
  return `seed ${seed}, ${story}\n${saved(text)}:\n\n${text}`;
}

/** totalram_pages of a machine. */
function ramOf(setup: Setup): number {
  let ram = 0;
  const look: Run['next'] = (world) => {
    ({ ram } = world);
    return null;
  };
  run({ setup, next: look });
  return ram;
}

// ---- faults to be found -----------------------------------------------------------------------------------------------

type Plant = () => (engine: Engine, step: Step) => void;

/** What a wrong engine could do, done to the right one after its step. */
const FAULTS: readonly [string, Plant][] = [
  ['an entry that fork leaves writable', () => (engine, { action }) => {
    if (action.name === 'fork') changeAnEntry(engine, action.child, (pte) => (pte_write(pte) ? null : pte_mkwrite(pte)));
  }],
  ['an entry that mremap loses', () => (engine, { action, slot }) => {
    if (action.name === 'mremap') changeAnEntry(engine, slot, () => 0);
  }],
  ['a TLB that mprotect does not flush', forgetToFlush],
  ['a promise that munmap does not give back', () => ({ k }, { action }) => {
    if (action.name === 'munmap') k.vm_committed_space++;
  }],
  ['a locked page that is not counted', () => (engine, { action, slot }) => {
    const mm = spaceOf(engine, slot);
    if (action.name === 'mlock' && mm !== null && mm.locked_vm > 0) mm.locked_vm--;
  }],
  ['a search that begins at the top again', () => (engine, { action, slot }) => {
    const mm = spaceOf(engine, slot);
    if (action.name === 'mprotect' && mm !== null) mm.free_area_cache = mm.mmap_base;
  }],
];

function spaceOf(engine: Engine, slot: number): mm_struct | null {
  const task = taskIn(engine, slot);
  return task === null ? null : mm_of(engine.k, task.mm);
}

/** Changes the first entry of a process that the change is for. */
function changeAnEntry(engine: Engine, slot: number, change: (pte: pte_t) => pte_t | null): void {
  const { k } = engine;
  const mm = spaceOf(engine, slot);
  for (const vma of mm === null ? [] : mm_vmas(k, mm)) {
    for (const { start, end } of pte_tables(k, mm!, vma.vm_start, vma.vm_end)) {
      for (const { entry, pte } of pte_entries(k, mm!, start, end)) {
        const changed = change(pte);
        if (changed === null) continue;
        write_pte(k, entry, changed);
        return;
      }
    }
  }
}

/** What the CPU's TLB held before an mprotect, it holds after it. */
function forgetToFlush(): (engine: Engine, step: Step) => void {
  let before: tlb[] = [];
  return ({ k }, { action, cpu }) => {
    const [now, old] = [k.tlbs[cpu]!, before[cpu]];
    if (action.name === 'mprotect' && old !== undefined && old.mm === now.mm) k.tlbs[cpu] = { ...now, vpn: old.vpn, pte: old.pte };
    before = structuredClone(k.tlbs);
  };
}

// ---- tests ------------------------------------------------------------------------------------------------------------

describe('virtual memory against a plain model', function () {
  this.timeout(180_000 + CALLS);

  const met = new Set<string>();
  const runs = Math.ceil(CALLS / CALLS_OF_RUN / MACHINES.length);
  const calls = Math.min(CALLS_OF_RUN, Math.ceil(CALLS / MACHINES.length));
  for (const [i, kind] of MACHINES.entries()) {
    it(`IV-6 IV-7 IV-11 IV-12 IV-15: ${runs * calls} calls on ${kind.arch}, CPUs: ${kind.cpus}, overcommit_memory ${kind.overcommit}`, () => {
      for (let round = 0; round < runs; round++) {
        const seed = 1 + i + round * MACHINES.length;
        const setup = setupOf(kind, seed);
        const course = run(randomRun(setup, seed, calls));
        if (course.failure !== null) assert.fail(told(setup, seed, course));
        for (const outcome of course.counts.keys()) met.add(outcome);
      }
    });
  }

  it('meets every call, and what may come of it', () => {
    const wanted = [
      'mmap', 'mmap -1', 'mmap -11', 'mmap -12', 'mmap -22', 'mmap_file', 'mmap_file -12', 'mmap_file -13', 'mmap_file -22', 'munmap', 'munmap -12',
      'munmap -22', 'mprotect', 'mprotect -12', 'mprotect -13', 'mprotect -22', 'brk', 'mremap', 'mremap -11', 'mremap -12', 'mremap -14',
      'mremap -22', 'madvise', 'madvise -9', 'madvise -11', 'madvise -12', 'madvise -13', 'madvise -22', 'mlock', 'mlock -1', 'mlock -11',
      'mlock -12', 'mlock -14', 'munlock', 'munlock -12', 'mlockall', 'mlockall -1', 'mlockall -22', 'munlockall', 'mincore', 'mincore -12', 'msync',
      'msync -16', 'msync -22', 'load', 'load signal 11', 'load signal 7', 'store', 'store signal 11', 'touch', 'touch signal 11', 'set_esp', 'start',
      'fork', 'fork -12', 'exit',
    ];
    assert.deepEqual(wanted.filter((outcome) => !met.has(outcome)), []);
  });
});

describe('the test of virtual memory itself', function () {
  this.timeout(120_000);

  const setup: Setup = { ...drawSetup(5), arch: 'i386', cpus: 2, overcommit: 1, hasFiles: false };

  it('a scenario says the same as the run it was made of', () => {
    for (let seed = 1; seed <= 12; seed++) {
      const kind = { ...setupOf(MACHINES[seed - 1]!, seed), cpus: 1, hasFiles: false };
      const steps: Step[] = [];
      const { next } = randomRun(kind, seed, 60);
      const sayable: Run['next'] = (world, results) => {
        let step = next(world, results);
        while (step?.action.name === 'munlockall') step = next(world, results);
        return step === null ? null : sayableStart(step);
      };
      assert.equal(run({ setup: kind, next: sayable, afterEngine: (_, step) => steps.push(step) }).failure, null);
      const text = scenarioOf({ setup: kind, steps }, { ram: ramOf(kind), why: `seed ${seed}`, at: null });
      const { passed, end, output } = runScenario(text);
      assert.ok(passed && end.reason === 'ended', `${output.filter(({ ok }) => !ok).map((record) => record.text).join('\n')}\n${text}`);
    }
  });

  it('a model that is wrong is found, and a short scenario of it fails', () => {
    const wrong: typeof predict = (world, machine, step, at) => (
      step.action.name === 'madvise' && step.action.advice === MADV_DONTNEED ? { result: 0, death: null } : predict(world, machine, step, at));
    const course = run({ ...randomRun(setup, 3, 2_000), predict: wrong });
    assert.ok(course.failure !== null, 'it is found');
    const { text, steps } = report(setup, course, { predict: wrong });
    assert.ok(steps.length <= 4, `${steps.length} calls are left:\n${text}`);
    const file = saved(text);
    const { passed, output } = runScenario(readFileSync(file, 'utf8'));
    rmSync(path.dirname(file), { recursive: true });
    assert.equal(passed, false, text);
    assert.ok(output.some(({ kind, ok }) => kind === 'expect' && !ok), text);
  });

  for (const [what, plant] of FAULTS) {
    it(`finds ${what}, and makes the run short`, () => {
      const course = run({ ...randomRun(setup, 11, 600), afterEngine: plant() });
      assert.ok(course.failure !== null, 'it is found');
      const { steps, text } = report(setup, course, { afterEngine: plant() });
      assert.ok(steps.length <= 12, `${steps.length} calls are left:\n${text}`);
    });
  }
});

/** The step as the language can say it: limits that it has no words for are as they are for everybody. */
function sayableStart(step: Step): Step {
  const { action } = step;
  if (action.name !== 'start') return step;
  const { limits } = action;
  return { ...step, action: { ...action, limits: { ...limits, data: Infinity, memlock: 32 << 10, stack: Math.min(limits.stack, 300 << 20) } } };
}
