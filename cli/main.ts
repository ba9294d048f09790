#!/usr/bin/env node
// The `pagewalk` command: its subcommands and their options. What they do is in files of their own.
import fs from 'node:fs';
import path from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { check } from './check.ts';
import type { ExitStatus } from './exit-status.ts';
import { EXIT, UsageError } from './exit-status.ts';
import { serveDebugger, serveLanguage } from './programs.ts';
import type { RunOptions } from './run.ts';
import { run } from './run.ts';
import type { Terminal } from './terminal.ts';
import { processTerminal } from './terminal.ts';
import { TRACE_FORMATS } from './trace-formats.ts';
import { tour } from './tour/tour.ts';
import { traceOptions } from './trace.ts';

/** Commands of the language's description that this version does not have. */
const NOT_YET = [
  { name: 'test', instead: 'Run each scenario with `pagewalk run FILE`: its exit status is 0 when all expectations hold.' },
  { name: 'format', instead: '`pagewalk check FILE…` says what is wrong with a scenario; nothing rewrites it yet.' },
] as const;

const DEFAULT_LIMIT = 100_000_000;
const TOUR_SCENARIO = path.join(__dirname, '..', 'scenarios', 'order-4.pagewalk');

interface RunFlags {
  json?: boolean;
  proc: string[];
  log?: boolean;
  trace?: string;
  format?: string;
  events?: string;
  seed?: number;
  limitEvents: number;
  check?: boolean;
}

void main(process.argv);

async function main(argv: string[]): Promise<void> {
  const terminal = processTerminal();
  try {
    await commands(terminal).parseAsync(argv);
  } catch (error) {
    process.exitCode = statusOf(error, terminal);
  }
}

function statusOf(error: unknown, terminal: Terminal): ExitStatus {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.wrong;
  if (error instanceof UsageError) {
    terminal.err.write(`pagewalk: ${error.message}\n`);
    return EXIT.wrong;
  }
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err.write(`pagewalk: the program itself broke. Please report this, with the command and these lines:\n${stack}\n`);
  return EXIT.broken;
}

function commands(terminal: Terminal): Command {
  const pagewalk = new Command('pagewalk')
    .description('Runs and debugs scenarios on an emulated machine with the memory management of Linux 2.6.18.')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError('Try `pagewalk --help`.')
    .exitOverride();
  addRun(pagewalk, terminal);
  pagewalk.command('check').description('say what is wrong with scenarios, without running them').argument('<file...>', '.pagewalk files')
    .action((files: string[]) => leave(check(files, terminal)));
  addTour(pagewalk, terminal);
  addServers(pagewalk);
  for (const { name, instead } of NOT_YET) {
    pagewalk.command(name, { hidden: true }).argument('[args...]').allowUnknownOption().action(() => {
      throw new UsageError(`${name}: this version has no such command yet. ${instead}`);
    });
  }
  return pagewalk;
}

function addRun(pagewalk: Command, terminal: Terminal): void {
  pagewalk.command('run').description('run a scenario at full speed and check its expectations').argument('<file>', 'a .pagewalk file')
    .option('--json', 'print one JSON object instead of text')
    .option('--proc <name>', 'print a /proc file as it stands at the end: buddyinfo, zoneinfo, meminfo, vmstat, slabinfo, vmallocinfo, NAME/maps, NAME/smaps, NAME/pagemap, NAME/status, node0/numastat … (repeatable)', collect, [])
    .option('--log', 'print the kernel log as it grows')
    .option('--trace <out>', 'write the events to a file')
    .addOption(new Option('--format <format>', `how the events are written: ${Object.keys(TRACE_FORMATS).join(', ')} (default: ftrace)`))
    .option('--events <glob>', 'only events whose name matches: mm_page_*, kmem:*')
    .option('--seed <n>', 'instead of the scenario\'s seed', natural)
    .option('--limit-events <n>', 'stop a run that passes more statements and events', natural, DEFAULT_LIMIT)
    .option('--check', 'check the laws of memory management as it runs (slow)')
    .addHelpText('after', '\nExit status: 0 all expectations hold; 1 the run failed; 2 the file or the command is wrong; 3 the emulator itself broke.')
    .action((file: string, flags: RunFlags) => leave(run(file, runOptions(flags), terminal)));
}

function runOptions(flags: RunFlags): RunOptions {
  return {
    json: flags.json ?? false, proc: flags.proc, log: flags.log ?? false, trace: wantedTrace(flags), seed: flags.seed ?? null,
    limitEvents: flags.limitEvents, check: flags.check ?? false,
  };
}

function wantedTrace({ trace, format, events }: RunFlags): RunOptions['trace'] {
  if (trace !== undefined) return traceOptions(trace, format ?? 'ftrace', events ?? '*');
  if (format !== undefined || events !== undefined) throw new UsageError(`--${format === undefined ? 'events' : 'format'} says how a trace is written: --trace OUT says where to.`);
  return null;
}

function addServers(pagewalk: Command): void {
  pagewalk.command('dap').description('serve the Debug Adapter Protocol on standard input and output, or on a port of 127.0.0.1')
    .option('--port <n>', 'listen on 127.0.0.1:N', portNumber)
    .action(({ port }: { port?: number }) => serveDebugger(port));
  pagewalk.command('lsp').description('serve the Language Server Protocol').option('--stdio', 'on standard input and output')
    .action(({ stdio }: { stdio?: boolean }) => serveLanguage(stdio ?? false));
}

function addTour(pagewalk: Command, terminal: Terminal): void {
  pagewalk.command('tour').description('show a debugging session: a breakpoint, stacks, steps, zones').argument('[file]', 'a .pagewalk file', TOUR_SCENARIO)
    .action((file: string) => tour(file, terminal));
}

function leave(status: ExitStatus): void {
  process.exitCode = status;
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** `12`, `1_000_000`. */
function natural(text: string): number {
  const n = Number(text.replaceAll('_', ''));
  if (/^\d[\d_]*$/.test(text) && Number.isSafeInteger(n)) return n;
  throw new InvalidArgumentError('It takes a whole number, 0 or more.');
}

function portNumber(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('It takes a number from 0 to 65535.');
}

function version(): string {
  const text = fs.readFileSync(path.join(__dirname, '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
