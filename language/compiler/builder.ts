// A routine in the making: its code, its slots, and which names are visible where.
import type { AstNode } from 'langium';
import type { Range } from '../source.ts';
import { rangeOf } from '../ranges.ts';
import type { ExpressionData, Instruction, LocalInfo, Routine, Span } from '../runtime/program.ts';
import type { Compilation } from './compilation.ts';
import { complain, spanOf } from './compilation.ts';

export interface Builder {
  compilation: Compilation;
  file: number;
  /** Number of the routine. */
  index: number;
  routine: Routine;
  /** Name of the task, for the statement table; null in a `def`. */
  task: string | null;
  /** Visible locals, innermost last. */
  visible: LocalInfo[];
  /** The first slot that is not in use. */
  nextSlot: number;
  /** Names that are left to where the expression is evaluated, constants or not. */
  isFree: (name: string) => boolean;
  /** Where in the file a range of the tree stands: the expressions in a log text are trees of their own. */
  locate: (range: Range) => Range;
  /** Loops around the place, innermost last: the jumps to be patched. */
  loops: { breaks: number[]; continues: number[] }[];
}

export function newBuilder(compilation: Compilation, file: number, index: number, task: string | null): Builder {
  const routine = compilation.routines[index]!;
  return { compilation, file, index, routine, task, visible: [], nextSlot: 0, isFree: () => false, locate: (range) => range, loops: [] };
}

export function at(builder: Builder, where: AstNode | Range): Span {
  return spanOf(builder.compilation, builder.file, builder.locate('$type' in where ? rangeOf(where) : where));
}

export function problem(builder: Builder, where: AstNode | Range, message: string): void {
  complain(builder.compilation, builder.file, builder.locate('$type' in where ? rangeOf(where) : where), message);
}

/** Adds an instruction; its place in the code. */
export function emit(builder: Builder, instruction: Instruction): number {
  return builder.routine.code.push(instruction) - 1;
}

/** The place of the next instruction. */
export function here(builder: Builder): number {
  return builder.routine.code.length;
}

/** Lets a jump at `pc` go to the next instruction. */
export function patch(builder: Builder, pc: number, to = here(builder)): void {
  const instruction = builder.routine.code[pc]!;
  if (instruction.op === 'jump' || instruction.op === 'unless' || instruction.op === 'fork') instruction.to = to;
  if (instruction.op === 'nextInRange' || instruction.op === 'nextInList') instruction.exit = to;
}

/** The first of `count` new slots, free again at the end of the statement or, for a local, of its block. */
export function allocate(builder: Builder, count = 1): number {
  const slot = builder.nextSlot;
  builder.nextSlot += count;
  builder.routine.slots = Math.max(builder.routine.slots, builder.nextSlot);
  return slot;
}

/** Makes a slot a local that is visible from the next instruction on. */
export function declare(builder: Builder, name: string, slot: number): void {
  const local: LocalInfo = { name, slot, from: here(builder), to: Infinity };
  builder.routine.locals.push(local);
  builder.visible.push(local);
}

export function findLocal(builder: Builder, name: string): LocalInfo | undefined {
  return [...builder.visible].reverse().find((local) => local.name === name);
}

/** Runs `make` in a block of its own: its locals and slots end with it. */
export function inBlock(builder: Builder, make: () => void): void {
  const { nextSlot, visible } = builder;
  builder.visible = [...visible];
  make();
  for (const local of builder.visible.slice(visible.length)) local.to = here(builder);
  builder.visible = visible;
  builder.nextSlot = nextSlot;
}

/** A value that later instructions cannot change: as it is, or put into a temporary. */
export function held(builder: Builder, value: ExpressionData): ExpressionData {
  if (value.kind === 'literal' || value.kind === 'slot') return value;
  const slot = allocate(builder);
  emit(builder, { op: 'set', slot, value });
  return temporary(slot, value.at);
}

export function temporary(slot: number, where: Span): ExpressionData {
  return { kind: 'slot', slot, name: '', at: where };
}
