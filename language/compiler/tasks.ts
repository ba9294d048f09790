// The pieces of code of a scenario: task bodies, the boot block, and the `def`s they call.
import type { TaskSpec } from '../../engine/index.ts';
import type { Block, Kernel } from '../generated/ast.ts';
import { declare, emit, newBuilder } from './builder.ts';
import type { Compilation } from './compilation.ts';
import { complain, routineOf } from './compilation.ts';
import { signedOf } from './constants.ts';
import { lowerBlock } from './statements.ts';

/** Compiles a kernel thread: what the engine starts. */
export function lowerKernel(compilation: Compilation, file: number, node: Kernel): TaskSpec {
  const body = lowerBody(compilation, file, { name: node.name, kind: 'task', block: node.body });
  const spec: TaskSpec = { name: node.name, comm: node.name, kind: 'kernel', at: 0, after: [], cpu: null, nice: 0, uid: 0, oom_adj: 0, body };
  for (const option of node.options) {
    if (option.$type === 'AfterOption') spec.after.push(option.task);
    else if (option.key === 'at' || option.key === 'cpu') spec[option.key] = Number(signedOf(compilation, file, option.value));
    else complain(compilation, file, option, `A kernel thread has no option \`${option.key}\`: it takes \`at\`, \`after\` and \`cpu\`.`);
  }
  return spec;
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
