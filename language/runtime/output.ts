/** What a program says: records in `k.program_output`, which live in the machine so that they go back in time with it. */
import type { Kernel } from '../../engine/index.ts';
import type { EvaluationError } from './errors.ts';
import { placeOf } from './errors.ts';
import type { OutputRecord, Span } from './program.ts';

/** Everything the program has said so far, in order. */
export function programOutput(k: Kernel): readonly OutputRecord[] {
  return k.program_output as OutputRecord[];
}

/** Whether an expectation failed or the scenario broke. */
export function hasFailed(k: Kernel): boolean {
  return k.program_output.some((record) => !record.ok);
}

/** Where something is said: the task's name, the statement and its place. */
export interface Speaker {
  task: string;
  statement: number;
  at: Span;
}

export function recordPrint(k: Kernel, speaker: Speaker, text: string): OutputRecord {
  return record(k, speaker, { kind: 'print', text, ok: true, message: null });
}

/** `text` is the condition as it is written, `message` what the scenario says about it. */
export function recordExpectation(k: Kernel, speaker: Speaker, outcome: { text: string; ok: boolean; message: string | null }): OutputRecord {
  return record(k, speaker, { kind: 'expect', ...outcome });
}

/** The scenario cannot go on: the run ends as a failed one. */
export function recordError(k: Kernel, speaker: Speaker, error: EvaluationError, files: readonly string[]): OutputRecord {
  k.halted = 1;
  return record(k, { ...speaker, at: error.at }, { kind: 'error', text: `${placeOf(files, error.at)}: ${error.message}`, ok: false, message: null });
}

function record(k: Kernel, speaker: Speaker, said: Pick<OutputRecord, 'kind' | 'text' | 'ok' | 'message'>): OutputRecord {
  const entry: OutputRecord = { ...said, statement: speaker.statement, time: k.now, task: speaker.task, at: speaker.at };
  k.program_output.push(entry);
  return entry;
}
