/** What others ask of a scenario's frames: where a task stands, which locals are visible, under which names an expression reads them. */
import type { Kernel } from '../../engine/index.ts';
import { placeOf } from './errors.ts';
import type { Names } from './evaluate.ts';
import type { Frame, LocalInfo, Position, ProgramData } from './program.ts';

/** The frames of a task, outermost first; empty for a task that is none of the scenario's. */
export function framesOf(position: unknown): readonly Frame[] {
  return (position as Position | null)?.frames ?? [];
}

/** Where a task stands, `FILE:LINE:COL`; the file alone for a task that is at no statement. One that a signal ended stands where it did then. */
export function placeOfTask(data: ProgramData, k: Kernel, pid: number): string {
  const statement = framesOf(k.tasks[pid]?.program).at(-1)?.statement ?? -1;
  const info = data.statements[statement];
  return info === undefined ? data.file : placeOf(data.files, info);
}

/** Locals that are visible where the frame stands, one for each name, in the order of the source. */
export function visibleLocals(data: ProgramData, frame: Frame): LocalInfo[] {
  const visible = data.routines[frame.routine]!.locals.filter((local) => local.from <= frame.pc && frame.pc < local.to);
  return visible.filter((local, i) => !visible.slice(i + 1).some((later) => later.name === local.name));
}

/** What a frame's expressions may name: its visible locals, and the scenario's constants. */
export function namesOf(data: ProgramData, frame: Frame | null): Names {
  const names = new Map<string, unknown>(Object.entries(data.constants));
  if (frame !== null) for (const local of visibleLocals(data, frame)) names.set(local.name, frame.slots[local.slot]);
  return names;
}
