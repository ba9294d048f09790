// What is said when the emulator itself broke: enough to find the fault, and that it is not the user's.
import { placeOfTask, showTime } from '../language/runtime/index.ts';
import type { ProgramData } from '../language/runtime/index.ts';
import { BrokenLaw } from './laws.ts';
import type { EmulatorBroke } from './run-machine.ts';

/** The report as text, with a line end. */
export function emulatorReport(data: ProgramData, error: EmulatorBroke): string {
  const { k, cause } = error;
  const task = k.tasks[k.current]?.name ?? 'nobody';
  const what = cause instanceof BrokenLaw ? `The machine broke a law of memory management:\n${indented(cause.message)}` : indented(stackOf(cause));
  return [
    `${placeOfTask(data, k, k.current)}: the emulator itself broke, ${showTime(k.now)} into the run, while ${task} ran.`,
    what,
    'This is a fault of Pagewalk, not of the scenario. Please report it, with the scenario',
    `(seed ${data.config.seed}) and the lines above.`,
    '',
  ].join('\n');
}

function stackOf(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

function indented(text: string): string {
  return text.split('\n').map((line) => `  ${line}`).join('\n');
}
