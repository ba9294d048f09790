// The engine worker: one machine, one scenario. Built twice, around the plain engine and around the instrumented one; only the second can stop in
// the kernel.

import fs from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import { workerData } from 'node:worker_threads';
import { GFP } from '../../engine/index.ts';
import type { Tables } from '../../build/instrument/tables.ts';
import { serve } from './channel.ts';
import type { WorkerStart } from './commands.ts';
import { look } from './control.ts';
import { setStopHandler } from './hooks.ts';
import { makeDebuggedMachine, runScenario } from './run.ts';
import type { Debuggee } from './state.ts';

/** The plain engine has no hooks. */
const NO_TABLES: Tables = { files: [], functions: [], places: [], problems: [] };

function main(start: WorkerStart): void {
  const tables: Tables = start.tables === null ? NO_TABLES : (JSON.parse(fs.readFileSync(start.tables, 'utf8')) as Tables);
  const program = { ...start.program, config: { ...start.program.config, ...start.options.overrides } };
  let debuggee: Debuggee | null = null;
  const { machine, linked } = makeDebuggedMachine(() => debuggee!, program);
  const d: Debuggee = {
    machine, program, options: start.options, tables,
    constants: new Map<string, unknown>([...Object.entries(GFP), ...Object.entries(program.constants)]),
    port: start.port as MessagePort, control: new Int32Array(start.control), shadows: [], traps: new Map(), filters: new Map(), step: null,
    entryWanted: start.options.stopOnEntry, standstill: null, isOver: false, isReading: false, frames: new Map(), opened: new Map(), lastId: 0,
    logSent: 0, unsaid: null, said: 0, statements: 0, announced: new Set(),
  };
  debuggee = d;
  setStopHandler((place, values) => look(d, place, values));
  serve(d);
  runScenario(d, linked);
  d.port.close();
}

main(workerData as WorkerStart);
