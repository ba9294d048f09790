// Makes a run that failed short: steps are left out in ever smaller pieces while what is left still fails (delta debugging), then the machine and the
// arguments that remain are made plain, one by one. Any failure will do: what another one shows in fewer steps is as good.

import type { Failure, Run } from './lockstep.ts';
import { run } from './lockstep.ts';
import { PAGE } from './memory-model.ts';
import type { Action, Setup, Step } from './system-calls.ts';

/** A run of given steps. */
export interface Recording {
  setup: Setup;
  steps: Step[];
}

export interface Shrunk extends Recording {
  failure: Failure;
  /** Runs that it took. */
  tries: number;
}

/** From so few steps on everything is compared after each. */
const FEW = 120;

/** The same steps once more; those that cannot be taken are passed over. */
export function replay({ setup, steps }: Recording, how: Pick<Run, 'predict' | 'afterEngine'>): Failure | null {
  let at = 0;
  return run({ ...how, setup, next: () => steps[at++] ?? null, fullLook: steps.length <= FEW ? 1 : Infinity }).failure;
}

/** The shortest run that can be made of one that fails, in so many tries. */
export function shrink(recording: Recording, how: Pick<Run, 'predict' | 'afterEngine'>, patience = 1000): Shrunk {
  const first = replay(recording, how);
  if (first === null) throw new Error('the run does not fail again');
  const search: Search = { best: { ...recording, steps: first.taken, failure: first, tries: 1 }, how, patience };
  dropSteps(search);
  simplify(search);
  dropSteps(search);
  return search.best;
}

interface Search {
  best: Shrunk;
  how: Pick<Run, 'predict' | 'afterEngine'>;
  patience: number;
}

/** Takes a shorter or plainer run for the best, if it fails. */
function accept(search: Search, candidate: Recording): boolean {
  if (search.best.tries >= search.patience) return false;
  search.best.tries++;
  const failure = replay(candidate, search.how);
  if (failure === null) return false;
  search.best = { ...candidate, steps: failure.taken, failure, tries: search.best.tries };
  return true;
}

/** Leaves out pieces: halves first, at last single steps, from the end, where less depends on a step. */
function dropSteps(search: Search): void {
  for (let size = Math.ceil(search.best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let end = search.best.steps.length;
    while (end > 0) {
      const { setup, steps } = search.best;
      const start = Math.max(0, end - size);
      const isShorter = accept(search, { setup, steps: steps.filter((_, i) => i < start || i >= end) });
      end = isShorter ? Math.min(start, search.best.steps.length) : start;
    }
  }
}

function simplify(search: Search): void {
  for (const plain of PLAIN_SETUPS) {
    const setup = { ...search.best.setup, ...plain };
    accept(search, { setup, steps: search.best.steps.map((step) => ({ ...step, cpu: Math.min(step.cpu, setup.cpus - 1) })) });
  }
  for (let i = 0; i < search.best.steps.length; i++) {
    for (const change of PLAIN_STEPS) {
      const step = search.best.steps[i];
      const plain = step === undefined ? null : change(step);
      if (plain !== null) accept(search, { setup: search.best.setup, steps: search.best.steps.map((other, j) => (j === i ? plain : other)) });
    }
  }
}

const PLAIN_SETUPS: readonly Partial<Setup>[] = [
  { cpus: 1 }, { overcommit: 1, overcommitRatio: 50 }, { overcommitRatio: 50 }, { maxMapCount: 65536 }, { isLegacy: false }, { hasFiles: false },
  { memory: 64 << 20 },
];

/** Plainer steps; null where one is as plain as that already. */
const PLAIN_STEPS: readonly ((step: Step) => Step | null)[] = [
  (step) => (step.cpu === 0 ? null : { ...step, cpu: 0 }),
  (step) => withAction(step, startPlainly),
  (step) => withAction(step, (action) => ('length' in action && action.length !== PAGE ? { ...action, length: PAGE } : null)),
  (step) => withAction(step, (action) => ('length' in action && action.length > 8 * PAGE ? { ...action, length: 8 * PAGE } : null)),
  (step) => withAction(step, (action) => ('length' in action && action.length % PAGE !== 0 ? { ...action, length: up(action.length) } : null)),
  (step) => withAction(step, (action) => ('newLength' in action && action.newLength > 2 * PAGE ? { ...action, newLength: 2 * PAGE } : null)),
  (step) => withAction(step, (action) => (action.name === 'mmap' && action.flags !== 0x22 ? { ...action, flags: 0x22 } : null)),
  (step) => withAction(step, (action) => (action.name === 'mmap' && (action.flags & ~0x33) !== 0 ? { ...action, flags: action.flags & 0x33 } : null)),
  (step) => withAction(step, (action) => (action.name === 'mmap' && action.prot !== 3 ? { ...action, prot: 3 } : null)),
  (step) => withAction(step, (action) => (action.name === 'store' && action.byte !== 1 ? { ...action, byte: 1 } : null)),
  (step) => withAction(step, alignPlainly),
];

function withAction(step: Step, change: (action: Action) => Action | null): Step | null {
  const action = change(step.action);
  return action === null ? null : { ...step, action };
}

function up(length: number): number {
  return Math.ceil(length / PAGE) * PAGE;
}

function startPlainly(action: Action): Action | null {
  if (action.name !== 'start') return null;
  return { ...action, isRoot: false, limits: { as: Infinity, stack: 8 << 20, data: Infinity, memlock: 32 << 10 } };
}

/** The first byte of a page does as well as any other. */
function alignPlainly(action: Action): Action | null {
  if (!('at' in action)) return null;
  const { at } = action;
  const offset = at.offset - ((at.base + at.offset) % PAGE);
  return offset === at.offset ? null : { ...action, at: { ...at, offset } };
}
