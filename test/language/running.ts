// Runs scenarios for tests: compiled, on the real engine, with everything the program said.
import assert from 'node:assert/strict';
import type { Machine, RunEnd } from '../../engine/index.ts';
import { boot_machine, make_machine, run_machine } from '../../engine/index.ts';
import { compileExpression, compileScenario } from '../../language/index.ts';
import type { Host, LinkedProgram, Names, OutputRecord, ProgramData, Value } from '../../language/runtime/index.ts';
import { evaluate, linkProgram, programOutput } from '../../language/runtime/index.ts';

export interface Ran {
  machine: Machine;
  linked: LinkedProgram;
  end: RunEnd;
  /** What `finish` said. */
  passed: boolean;
  output: readonly OutputRecord[];
  /** Ids of the statements, in the order their hooks were passed. */
  hooks: number[];
}

/** A small machine, unless the text has its own. */
export function withMachine(text: string): string {
  return text.includes('machine {') ? text : `machine { memory 64MiB }\n${text}`;
}

/** Compiles a scenario that must be right. */
export function compiled(text: string, files: Record<string, string> = {}): ProgramData {
  const { program, problems } = compileScenario(withMachine(text), 'test.pagewalk', (path) => files[path]);
  assert.deepEqual(problems.map((problem) => problem.message), []);
  return program!;
}

/** Boots the scenario's machine and links its program. */
export function booted(data: ProgramData, host: Partial<Host> = {}): { machine: Machine; linked: LinkedProgram } {
  const linked = linkProgram(data, { statement: () => undefined, ...host });
  const machine = make_machine(data.config, linked);
  boot_machine(machine, data.config);
  return { machine, linked };
}

/** Runs a scenario from beginning to end. */
export function run(text: string, files: Record<string, string> = {}): Ran {
  const hooks: number[] = [];
  const { machine, linked } = booted(compiled(text, files), { statement: (_, id) => hooks.push(id) });
  const end = run_machine(machine);
  const passed = linked.finish(machine.k);
  return { machine, linked, end, passed, output: programOutput(machine.k), hooks };
}

/** What a body prints, one line each; expectations and errors are marked. `body` is that of a kernel thread. */
export function printed(body: string, before = ''): string {
  const { output } = run(`${before}\nkernel driver {\n${body}\n}`);
  return output.map((record) => (record.kind === 'print' ? record.text : `${record.kind} ${record.ok ? 'held' : 'failed'}: ${record.text}`)).join('\n');
}

/** A machine of 64 MiB on which nothing has run. */
export function idleMachine(): Machine {
  return booted(compiled('kernel driver { }')).machine;
}

/** The value of an expression in a watch. */
export function watched(machine: Machine, text: string, names: Names = new Map()): Value {
  const { expression, problems } = compileExpression(text, [...names.keys()]);
  assert.deepEqual(problems.map((problem) => problem.message), []);
  return evaluate(machine.k, expression!, names);
}

/** The first problem as `LINE:COL: message`, or what went wrong at run time in the same form. */
export function complaint(text: string): string {
  const { program, problems } = compileScenario(withMachine(text), 'test.pagewalk');
  const first = problems[0];
  if (first !== undefined) return `${first.line - 1}:${first.column}: ${first.message}`;
  const { machine, linked } = booted(program!);
  run_machine(machine);
  linked.finish(machine.k);
  return programOutput(machine.k).find((record) => record.kind === 'error')?.text ?? 'fine';
}
