// `pagewalk run FILE`: compiles a scenario, runs it at full speed and says how it went.
import { judge } from '../language/runtime/index.ts';
import type { Kernel } from '../engine/index.ts';
import type { ProgramData, RunResult } from '../language/runtime/index.ts';
import type { ExitStatus } from './exit-status.ts';
import { EXIT } from './exit-status.ts';
import { lawWatcher } from './laws.ts';
import { checkProcName, checkProcNode, checkProcProcess } from './proc.ts';
import { jsonReport } from './report-json.ts';
import { textWatcher, writeEnd } from './report-text.ts';
import type { Watcher } from './run-machine.ts';
import { EmulatorBroke, runProgram } from './run-machine.ts';
import { compileFile, countErrors, showProblems } from './scenario-file.ts';
import type { Terminal } from './terminal.ts';
import type { TraceOptions, TraceWriter } from './trace.ts';
import { openTrace } from './trace.ts';
import { emulatorReport } from './report-broken.ts';

export interface RunOptions {
  json: boolean;
  proc: readonly string[];
  log: boolean;
  trace: TraceOptions | null;
  /** Instead of the scenario's own. */
  seed: number | null;
  limitEvents: number;
  check: boolean;
}

/** Throws UsageError for what is wrong with the command line. */
export function run(file: string, options: RunOptions, terminal: Terminal): ExitStatus {
  options.proc.forEach(checkProcName);
  const { program, problems } = compileFile(file);
  showProblems(problems, terminal.err);
  if (program === null || countErrors(problems) > 0) return EXIT.wrong;
  for (const name of options.proc) {
    checkProcNode(name, program.config);
    checkProcProcess(name, program);
  }
  const trace = options.trace === null ? null : openTrace(options.trace);
  return runCompiled(withSeed(program, options.seed), options, trace, terminal);
}

function withSeed(data: ProgramData, seed: number | null): ProgramData {
  return seed === null ? data : { ...data, config: { ...data.config, seed } };
}

function runCompiled(data: ProgramData, options: RunOptions, trace: TraceWriter | null, terminal: Terminal): ExitStatus {
  const started = process.hrtime.bigint();
  const teller = options.json ? null : textWatcher(data, terminal, options);
  const watchers = [trace, teller, options.check ? lawWatcher() : null].filter((watcher) => watcher !== null);
  try {
    const result = runProgram(data, options.limitEvents, together(watchers));
    trace?.close(result.k);
    return report(data, result, options, terminal, Number(process.hrtime.bigint() - started));
  } catch (error) {
    if (!(error instanceof EmulatorBroke)) throw error;
    teller?.pulse(error.k);
    terminal.err.write(emulatorReport(data, error));
    trace?.close(error.k);
    return EXIT.broken;
  }
}

function report(data: ProgramData, result: RunResult, options: RunOptions, terminal: Terminal, wallNs: number): ExitStatus {
  const verdict = judge(data, result, options.limitEvents);
  if (options.json) terminal.out.write(`${JSON.stringify(jsonReport(data, result, verdict, { ...options, wallNs }), null, 2)}\n`);
  else writeEnd(data, result, verdict, terminal, options.proc);
  return verdict.ok ? EXIT.ok : EXIT.failed;
}

/** Several watchers as one. */
function together(watchers: readonly Watcher[]): Watcher {
  return {
    made: (k: Kernel) => watchers.forEach((watcher) => watcher.made?.(k)),
    booted: (k) => watchers.forEach((watcher) => watcher.booted?.(k)),
    said: (k, record) => watchers.forEach((watcher) => watcher.said?.(k, record)),
    pulse: (k) => watchers.forEach((watcher) => watcher.pulse?.(k)),
    boundary: (k) => watchers.forEach((watcher) => watcher.boundary?.(k)),
  };
}
