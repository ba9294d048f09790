/** What a debugger asks of a scenario's frames: which locals are visible, under which names an expression reads them. */
import type { Names } from './evaluate.ts';
import type { Frame, LocalInfo, Position, ProgramData } from './program.ts';

/** The frames of a task, outermost first; empty for a task that is none of the scenario's. */
export function framesOf(position: unknown): readonly Frame[] {
  return (position as Position | null)?.frames ?? [];
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
