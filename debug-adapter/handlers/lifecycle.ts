// From `initialize` to `disconnect`: what begins and ends a session and its runs.

import type { DebugProtocol } from '@vscode/debugprotocol';
import { filterCapabilities } from '../breakpoints/exceptions.ts';
import type { Entry } from '../breakpoints/store.ts';
import { shown, useScenario } from '../breakpoints/store.ts';
import type { Context } from '../context.ts';
import { conventionsOf, rangeToClient } from '../conventions.ts';
import type { LaunchOptions, Scenario } from '../launch.ts';
import { ScenarioProblems, checkLaunchArguments, loadProgram, problemText, unheardWishes, warmUp } from '../launch.ts';
import type { Problem } from '../../language/index.ts';
import { endRun } from '../events.ts';
import { RequestError } from '../request-error.ts';
import type { Handlers } from '../requests.ts';
import { currentRun, threadOf } from '../run.ts';
import { scenarioSource } from '../sources.ts';
import { armAll, begin, newRun, stopsItself } from '../starting.ts';

export const LIFECYCLE: Handlers<'initialize' | 'launch' | 'restart' | 'configurationDone' | 'disconnect' | 'terminate'> = {
  initialize(context, args) {
    context.conventions = conventionsOf(args);
    context.send('initialized');
    setImmediate(warmUp);
    return CAPABILITIES;
  },

  async launch(context, args) {
    if (context.launch.hasCome) throw new RequestError('This session has launched a scenario already: restart it, or start another session.');
    const options = checkLaunchArguments(args);
    for (const wish of unheardWishes(args)) context.say({ category: 'console', output: `${wish}\n` });
    context.launch.pass(() => adopt(context, options, loadScenario(context, options)));
    for (const entry of await armAll(context)) announce(context, entry);
    await begin(context);
  },

  /** A scenario that has become wrong meanwhile refuses the restart, and the old run stays. Another restart meanwhile finds no run. */
  async restart(context, { arguments: given }) {
    const old = currentRun(context);
    const options = given === undefined ? old.options : checkLaunchArguments(given);
    const wasStopped = old.state === 'stopped';
    const scenario = loadScenario(context, options);
    old.state = 'ended';
    await old.client.terminate();
    if (context.isClosed) throw new RequestError('The session is over.');
    adopt(context, options, scenario);
    if (wasStopped) context.send('continued', { threadId: threadOf(old.stop?.pid ?? 0), allThreadsContinued: true });
    for (const entry of await armAll(context)) announce(context, entry);
    await begin(context);
  },

  async configurationDone(context) {
    context.isConfigured = true;
    await begin(context);
  },

  async disconnect(context) {
    await context.run?.client.terminate();
  },

  async terminate(context) {
    const { run } = context;
    if (run === null) return context.send('terminated');
    run.state = 'ended';
    await run.client.terminate();
    endRun(context, run, null);
  },
};

/** What is true of this version, and nothing else. */
const CAPABILITIES: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsConditionalBreakpoints: true,
  supportsHitConditionalBreakpoints: true,
  supportsLogPoints: true,
  supportsBreakpointLocationsRequest: true,
  supportsExceptionFilterOptions: true,
  supportsExceptionInfoRequest: true,
  exceptionBreakpointFilters: filterCapabilities(),
  supportsDelayedStackTraceLoading: true,
  supportsEvaluateForHovers: true,
  supportsClipboardContext: true,
  supportsLoadedSourcesRequest: true,
  supportsRestartRequest: true,
  supportsTerminateRequest: true,
};

/** Compiles the scenario and says its problems. Throws ScenarioProblems. */
function loadScenario(context: Context, options: LaunchOptions): Scenario {
  try {
    const scenario = loadProgram(options.program);
    for (const problem of scenario.warnings) sayProblem(context, problem);
    return scenario;
  } catch (error) {
    if (error instanceof ScenarioProblems) for (const problem of error.problems) sayProblem(context, problem);
    throw error;
  }
}

/** Makes a compiled scenario the one that runs: its worker, its `stop on` statements, and the breakpoints as they fit it. */
function adopt(context: Context, options: LaunchOptions, scenario: Scenario): void {
  const changed = useScenario(context.breakpoints, scenario, { stopStatements: stopsItself(options) });
  context.run = newRun(context, options, scenario);
  for (const entry of changed) announce(context, entry);
  const { files } = scenario.program;
  for (const { statement, message } of context.breakpoints.stops.problems) {
    const { line, column, endLine, endColumn } = statement;
    sayProblem(context, { file: files[statement.file] ?? options.program, line, column, endLine, endColumn, severity: 'warning', message });
  }
}

function announce(context: Context, entry: Entry): void {
  const { line, column, endLine, endColumn, ...breakpoint } = shown(entry);
  const range = line === undefined || column === undefined ? {} : rangeToClient(context.conventions, { line, column, endLine, endColumn });
  context.send('breakpoint', { reason: 'changed', breakpoint: { ...breakpoint, ...range } });
}

function sayProblem(context: Context, problem: Problem): void {
  context.say({
    category: problem.severity === 'error' ? 'stderr' : 'console',
    output: `${problemText(problem)}\n`,
    source: scenarioSource(context.conventions, problem.file),
    ...rangeToClient(context.conventions, { line: problem.line, column: problem.column }),
  });
}
