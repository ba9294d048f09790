// Makes a run of file calls that failed short: rounds are left out in ever smaller pieces while what is left still fails (delta debugging), then
// rounds become single calls, and the machine and the arguments that remain are made plain, one by one. Any failure will do.

import type { FileFailure, FileRun } from './file-lockstep.ts';
import { runFiles } from './file-lockstep.ts';
import { PAGE } from './file-pages.ts';
import type { FileAction, FileSetup, FileStep, Round } from './file-steps.ts';
import { O } from './file-world.ts';

/** A run of given rounds. */
export interface FileRecording {
  setup: FileSetup;
  rounds: Round[];
}

export interface FileShrunk extends FileRecording {
  failure: FileFailure;
  /** Runs that it took. */
  tries: number;
}

/** From so few rounds on everything is looked at all the time. */
const FEW = 400;

/** Makes what tampers with a run, anew for each. */
type Plant = () => NonNullable<FileRun['tamper']>;

/** The same rounds once more; steps that cannot be taken are passed over. */
export function replayFiles({ setup, rounds }: FileRecording, plant?: Plant): FileFailure | null {
  let at = 0;
  const tampering = plant === undefined ? {} : { tamper: plant() };
  return runFiles({ ...tampering, setup, next: () => rounds[at++] ?? null, isThorough: rounds.length <= FEW }).failure;
}

/** The shortest run that can be made of one that fails, in so many tries. */
export function shrinkFiles(recording: FileRecording, plant?: Plant, patience = 1500): FileShrunk {
  const first = replayFiles(recording, plant);
  if (first === null) throw new Error('the run does not fail again');
  const search: Search = { best: { ...recording, rounds: first.taken, failure: first, tries: 1 }, plant, patience };
  dropRounds(search);
  simplify(search);
  dropRounds(search);
  return search.best;
}

interface Search {
  best: FileShrunk;
  plant: Plant | undefined;
  patience: number;
}

/** Takes a shorter or plainer run for the best, if it fails. */
function accept(search: Search, candidate: FileRecording): boolean {
  if (search.best.tries >= search.patience) return false;
  search.best.tries++;
  const failure = replayFiles(candidate, search.plant);
  if (failure === null) return false;
  search.best = { ...candidate, rounds: failure.taken, failure, tries: search.best.tries };
  return true;
}

/** Leaves out pieces: halves first, at last single rounds, from the end, where less depends on a round. */
function dropRounds(search: Search): void {
  for (let size = Math.ceil(search.best.rounds.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    let end = search.best.rounds.length;
    while (end > 0) {
      const { setup, rounds } = search.best;
      const start = Math.max(0, end - size);
      const isShorter = accept(search, { setup, rounds: rounds.filter((_, i) => i < start || i >= end) });
      end = isShorter ? Math.min(start, search.best.rounds.length) : start;
    }
  }
}

function simplify(search: Search): void {
  for (const plain of plainSetups(search.best.setup)) accept(search, { setup: { ...search.best.setup, ...plain }, rounds: search.best.rounds });
  for (let i = 0; i < search.best.rounds.length; i++) {
    splitRound(search, i);
    for (let j = 0; j < (search.best.rounds[i]?.length ?? 0); j++) for (const change of PLAIN) plainStep(search, i, j, change);
  }
}

/** What began together begins one after the other. */
function splitRound(search: Search, i: number): void {
  const { setup, rounds } = search.best;
  if ((rounds[i]?.length ?? 0) < 2) return;
  accept(search, { setup, rounds: rounds.flatMap((round, j) => (j === i ? round.map((step) => [step]) : [round])) });
}

function plainStep(search: Search, i: number, j: number, change: (action: FileAction) => FileAction | null): void {
  const { setup, rounds } = search.best;
  const step = rounds[i]?.[j];
  const action = step === undefined ? null : change(step.action);
  if (step === undefined || action === null) return;
  const plain: FileStep = { ...step, action };
  accept(search, { setup, rounds: rounds.map((round, at) => (at === i ? round.map((other) => (other === step ? plain : other)) : round)) });
}

function plainSetups(setup: FileSetup): Partial<FileSetup>[] {
  return [
    { cpus: 1 }, { laptopMode: 0 }, { dirtyRatio: 40, backgroundRatio: 10 }, { writebackCentisecs: 500, expireCentisecs: 3000 },
    { disks: setup.disks.map((disk) => ({ ...disk, seek: 8_000_000, bandwidth: 60 << 20 })) },
    { files: setup.files.map((file) => ({ ...file, size: Math.ceil(file.size / PAGE) * PAGE })) },
    { files: setup.files.map((file) => ({ ...file, size: Math.min(file.size, 4 * PAGE) })) },
  ];
}

/** Plainer actions; null where one is as plain as that already. */
const PLAIN: readonly ((action: FileAction) => FileAction | null)[] = [
  (action) => ('count' in action && action.count > PAGE ? { ...action, count: PAGE } : null),
  (action) => ('count' in action && action.count > 1 ? { ...action, count: 1 } : null),
  (action) => ('at' in action && action.at > 0 ? { ...action, at: 0 } : null),
  (action) => ('at' in action && action.at % PAGE > 0 ? { ...action, at: action.at - (action.at % PAGE) } : null),
  (action) => ('offset' in action && action.offset > 0 ? { ...action, offset: 0 } : null),
  (action) => ('offset' in action && action.offset % PAGE > 0 ? { ...action, offset: action.offset - (action.offset % PAGE) } : null),
  (action) => ('byte' in action && action.byte !== 1 ? { ...action, byte: 1 } : null),
  (action) => ('first' in action && action.first > 0 ? { ...action, first: 0 } : null),
  (action) => ('pages' in action && action.pages > 1 ? { ...action, pages: 1 } : null),
  (action) => (action.name === 'open' && action.flags !== O.RDWR ? { ...action, flags: O.RDWR } : null),
  (action) => (action.name === 'open' && action.flags !== (O.RDWR | O.CREAT) ? { ...action, flags: O.RDWR | O.CREAT } : null),
  (action) => (action.name === 'ftruncate' && action.length % PAGE > 0 ? { ...action, length: action.length - (action.length % PAGE) } : null),
  (action) => (action.name === 'sleep' && action.ms > 5 ? { ...action, ms: 5 } : null),
];
