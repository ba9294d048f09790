// The pieces of code of a scenario: task bodies, the boot block, and the `def`s they call.
import type { TaskSpec } from '../../engine/index.ts';
import type { Block, Kernel, Option, Process, ValueOption } from '../generated/ast.ts';
import { declare, emit, newBuilder } from './builder.ts';
import type { Compilation } from './compilation.ts';
import { complain, routineOf } from './compilation.ts';
import { signedOf } from './constants.ts';
import { lowerBlock } from './statements.ts';
import { namesOfCopies, namesOfTask } from './task-names.ts';
import { SIGNALS } from '../vocabulary/constants.ts';

/** Compiles a kernel thread: what the engine starts. */
export function lowerKernel(compilation: Compilation, file: number, node: Kernel): TaskSpec {
  const body = lowerBody(compilation, file, { name: node.name, kind: 'task', block: node.body });
  return { ...newSpec(node.name, 'kernel', body), ...optionsOf(compilation, file, node.options) };
}

/** Compiles a process: one task for each copy, and all run the same code. */
export function lowerProcess(compilation: Compilation, file: number, node: Process): TaskSpec[] {
  const body = lowerBody(compilation, file, { name: node.name, kind: 'task', block: node.body });
  const options = optionsOf(compilation, file, node.options);
  return namesOfCopies(compilation, node).map((name) => ({ ...newSpec(node.name, 'user', body), uid: DEFAULT_UID, ...options, name }));
}

/** The user of a process that does not say. */
const DEFAULT_UID = 1000;

function newSpec(name: string, kind: TaskSpec['kind'], body: number): TaskSpec {
  return { name, comm: name, kind, at: 0, after: [], cpu: null, nice: 0, uid: 0, oom_adj: 0, rlimit_as: null, rlimit_stack: null, dies: 0, body };
}

/** What is written behind a task's name. The check has found that the task may have it. */
function optionsOf(compilation: Compilation, file: number, options: readonly Option[]): Partial<TaskSpec> {
  const spec: Partial<TaskSpec> = {};
  for (const option of options) {
    if (option.$type === 'AfterOption') spec.after = namesOfTask(compilation, option.task).tasks;
    else if (option.key === 'dies') spec.dies = SIGNALS[option.value.constant ?? ''] ?? 0;
    else if (option.key !== 'times') spec[option.key] = numberOf(compilation, file, option);
  }
  return spec;
}

function numberOf(compilation: Compilation, file: number, { value }: ValueOption): number {
  const number = signedOf(compilation, file, value);
  if (typeof number === 'number') return number;
  complain(compilation, file, value, 'This number is too large here.');
  return 0;
}

/** Compiles a body; the number of its routine. */
export function lowerBody(compilation: Compilation, file: number, { name, kind, block }: { name: string; kind: 'task' | 'boot'; block: Block }): number {
  const index = compilation.routines.push({ name, kind, parameters: [], slots: 0, locals: [], code: [] }) - 1;
  const builder = newBuilder(compilation, file, index, name);
  lowerBlock(builder, block);
  emit(builder, { op: 'return', value: null });
  return index;
}

/**
 * Compiles the `def`s that are called, those that they call, and so on; then all others: what is wrong with them is told, and a debugger finds their
 * statements.
 */
export function lowerDefs(compilation: Compilation): void {
  lowerPending(compilation);
  for (const name of compilation.bindings.defs.keys()) routineOf(compilation, name);
  lowerPending(compilation);
}

function lowerPending(compilation: Compilation): void {
  for (let name = compilation.pending.shift(); name !== undefined; name = compilation.pending.shift()) lowerDef(compilation, name);
}

function lowerDef(compilation: Compilation, name: string): void {
  const { node, source } = compilation.bindings.defs.get(name)!;
  const builder = newBuilder(compilation, compilation.sources.indexOf(source), compilation.routineOf.get(name)!, null);
  for (const [slot, parameter] of node.params.entries()) declare(builder, parameter.name, slot);
  builder.nextSlot = node.params.length;
  lowerBlock(builder, node.body);
  emit(builder, { op: 'return', value: null });
  for (const local of builder.visible) local.to = builder.routine.code.length;
}
