// Call stacks, read from the shadow stacks of the engine's frames and from the scenario's positions. Reading changes nothing.
//
// The engine depth of a place counts in cells of the shadow stack: a function with a frame stands at `sp`, one without just above it.
// A scenario statement stands at `sp` too: at 0, but for the boot block, which `start_kernel` calls.

import type { Kernel } from '../../engine/index.ts';
import type { Span } from '../../language/runtime/index.ts';
import { framesOf, namesOf, visibleLocals } from '../../language/runtime/index.ts';
import type { FunctionInfo, Place } from '../../build/instrument/tables.ts';
import type { FrameHandle } from './state.ts';
import type { Debuggee } from './state.ts';
import { END_PID, enginePlace, isEnginePlace, statementOf } from './state.ts';
import type { PlaceId, StackRow } from './commands.ts';
import type { Shadow } from './hooks.ts';
import { __cur } from './hooks.ts';

/** The first place of a scenario. */
const START: Span = { file: 0, line: 1, column: 1, endLine: 1, endColumn: 1 };

/** A frame with what a client will want to know of it. */
interface ReadFrame {
  row: Omit<StackRow, 'id'>;
  handle: FrameHandle;
}

/** How deep in the engine a place of the running task is; a tracepoint is shown as its caller, and as deep as that. */
export function depthAt(d: Debuggee, place: PlaceId): number {
  if (!isEnginePlace(d, place)) return __cur.t.sp;
  const { frame, tracepoint } = functionAt(d, place);
  return __cur.t.sp + (frame === 'none' && !tracepoint ? 1 : 0);
}

/** Depth of the caller of the function that a place of the running task is shown in. */
export function callerDepth(d: Debuggee, place: PlaceId): number {
  if (!isEnginePlace(d, place)) return __cur.t.sp;
  const info = functionAt(d, place);
  return info.tracepoint ? (shadowFrames(d, d.machine.k.current).at(-1)?.base ?? 0) : __cur.t.sp - info.size;
}

export function functionAt(d: Debuggee, place: PlaceId): FunctionInfo {
  return d.tables.functions[enginePlace(d, place).fn]!;
}

/** Number of `def` and body frames of a task's scenario. */
export function scenarioDepth(k: Kernel, pid: number): number {
  return framesOf(k.tasks[pid]?.program).length;
}

/** The functions that have a frame on a task's shadow stack, outermost first; the running one without frame last. */
export function functionsOnStack(d: Debuggee, pid: number): FunctionInfo[] {
  const functions = shadowFrames(d, pid).map(({ place }) => d.tables.functions[place.fn]!);
  const here = d.standstill;
  if (here !== null && here.pid === pid && isEnginePlace(d, here.place) && functionAt(d, here.place).frame === 'none') functions.push(functionAt(d, here.place));
  return functions;
}

/** A task's stack, innermost first, with fresh ids. */
export function readStack(d: Debuggee, pid: number): StackRow[] {
  const frames = pid === END_PID ? [endFrame(d)] : taskFrames(d, pid).reverse();
  return frames.map(({ row, handle }) => {
    const id = ++d.lastId;
    d.frames.set(id, handle);
    return { id, ...row };
  });
}

/** Outermost first. A task's scenario calls the kernel; while the machine boots, `start_kernel` calls the scenario's boot block. */
function taskFrames(d: Debuggee, pid: number): ReadFrame[] {
  const engine = engineFrames(d, pid);
  const callers = d.machine.k.system_running === 0 ? 1 : 0;
  return [...engine.slice(0, callers), ...scenarioFrames(d, pid), ...engine.slice(callers)];
}

// ---- engine frames ----------------------------------------------------------------------------------------------------

function engineFrames(d: Debuggee, pid: number): ReadFrame[] {
  const frames = shadowFrames(d, pid).map(({ base, place }) => framed(d, pid, base, place));
  const here = d.standstill;
  if (here === null || here.pid !== pid || !isEnginePlace(d, here.place)) return frames;
  const info = functionAt(d, here.place);
  if (info.frame !== 'none') return frames;
  const leaf = engineFrame(d, pid, enginePlace(d, here.place), here.values ?? []);
  if (!info.tracepoint) return [...frames, leaf];
  return [...frames.slice(0, -1), ...frames.slice(-1).map((caller) => withFields(caller, leaf.handle))];
}

/** A tracepoint is no frame of its own: its fields are shown after the locals of the function that passes it. */
function withFields({ row, handle }: ReadFrame, fields: FrameHandle): ReadFrame {
  if (handle.world !== 'engine' || fields.world !== 'engine') return { row, handle };
  const own = handle.names.filter((name) => !fields.names.includes(name));
  const values = own.map((name) => handle.values[handle.names.indexOf(name)]);
  return { row, handle: { ...handle, names: [...own, ...fields.names], values: [...values, ...fields.values] } };
}

/** The frames on a task's shadow stack with the place each is at: of the call it is in, or where the machine stands. */
function shadowFrames(d: Debuggee, pid: number): { base: number; place: Place }[] {
  const shadow = d.shadows[pid];
  if (shadow === undefined) return [];
  const top = topFrame(d, pid, shadow);
  const found: { base: number; place: Place }[] = [];
  for (let base = 0; base < shadow.sp; ) {
    const place = top !== null && base === top.base ? top.place : enginePlace(d, shadow.pl[base]!);
    found.push({ base, place });
    base += d.tables.functions[place.fn]!.size;
  }
  return found;
}

/** The frame of the function the machine stands in, if that has one: it is in no call, so only its hook knows the place. */
function topFrame(d: Debuggee, pid: number, shadow: Shadow): { base: number; place: Place } | null {
  const here = d.standstill;
  if (here === null || here.pid !== pid || !isEnginePlace(d, here.place)) return null;
  const { frame, size } = functionAt(d, here.place);
  return frame === 'none' ? null : { base: shadow.sp - size, place: enginePlace(d, here.place) };
}

function framed(d: Debuggee, pid: number, base: number, place: Place): ReadFrame {
  return engineFrame(d, pid, place, frameValues(d.shadows[pid]!, base, d.tables.functions[place.fn]!));
}

function frameValues(shadow: Shadow, base: number, info: FunctionInfo): readonly unknown[] {
  return info.frame === 'thunk' ? shadow.th[base]!() : shadow.v.slice(base, base + info.size);
}

function engineFrame(d: Debuggee, pid: number, place: Place, values: readonly unknown[]): ReadFrame {
  const { vars, slots, line, column, endLine, endColumn } = place;
  const names = [...new Set(vars)];
  return {
    row: { name: d.tables.functions[place.fn]!.name, path: d.tables.files[place.file]!.path, world: 'engine', line, column, endLine, endColumn },
    handle: { world: 'engine', pid, names, values: names.map((name) => values[slots[vars.lastIndexOf(name)]!]) },
  };
}

/** The values in scope where the machine stands, in the order of the place's names. */
export function valuesAt(d: Debuggee, place: PlaceId, literal: readonly unknown[] | undefined): readonly unknown[] {
  const at = enginePlace(d, place);
  const info = d.tables.functions[at.fn]!;
  const values = info.frame === 'none' ? (literal ?? []) : frameValues(__cur.t, __cur.t.sp - info.size, info);
  return at.slots.map((slot) => values[slot]);
}

/** What stands for a machine whose run is over: a frame to look at it from. */
function endFrame(d: Debuggee): ReadFrame {
  const { line, column, endLine, endColumn, file } = d.standstill?.end ?? START;
  return {
    row: { name: 'end', path: d.program.files[file]!, world: 'scenario', line, column, endLine, endColumn },
    handle: { world: 'scenario', pid: END_PID, index: -1 },
  };
}

// ---- scenario frames --------------------------------------------------------------------------------------------------

function scenarioFrames(d: Debuggee, pid: number): ReadFrame[] {
  const { program } = d;
  return framesOf(d.machine.k.tasks[pid]?.program).map((frame, index) => {
    const statement = program.statements[frame.statement];
    const span = statement ?? START;
    const { line, column, endLine, endColumn } = span;
    return {
      row: { name: program.routines[frame.routine]!.name, path: program.files[span.file]!, world: 'scenario', line, column, endLine, endColumn },
      handle: { world: 'scenario', pid, index },
    };
  });
}

/** Names and values in scope in a frame, in the order they are declared. */
export function localsOf(d: Debuggee, frame: FrameHandle): [string, unknown][] {
  if (frame.world === 'engine') return frame.names.map((name, i) => [name, frame.values[i]]);
  const at = framesOf(d.machine.k.tasks[frame.pid]?.program)[frame.index];
  return at === undefined ? [] : visibleLocals(d.program, at).map((local) => [local.name, at.slots[local.slot]]);
}

/** What an expression evaluated in a frame may name. */
export function namesIn(d: Debuggee, frame: FrameHandle | null): Map<string, unknown> {
  const names = new Map(d.constants);
  if (frame === null) return names;
  if (frame.world === 'engine') for (const [name, value] of localsOf(d, frame)) names.set(name, value);
  else for (const [name, value] of namesOf(d.program, framesOf(d.machine.k.tasks[frame.pid]?.program)[frame.index] ?? null)) names.set(name, value);
  return names;
}

/** The scenario locals that a statement sees, as compile-time names with their slots. */
export function localsAtStatement(d: Debuggee, id: number): { name: string; slot: number }[] {
  const statement = d.program.statements[id]!;
  const routine = d.program.routines[statement.routine]!;
  const pc = routine.code.findIndex((instruction) => instruction.op === 'statement' && instruction.id === id);
  return routine.locals.filter((local) => local.from <= pc && pc < local.to);
}

/** The running task's innermost scenario slots. */
export function innermostSlots(d: Debuggee): readonly unknown[] {
  const { k } = d.machine;
  return framesOf(k.tasks[k.current]?.program).at(-1)?.slots ?? [];
}

/** Values of a scenario statement's locals, in the order of localsAtStatement. */
export function scenarioValues(d: Debuggee, place: PlaceId): readonly unknown[] {
  const slots = innermostSlots(d);
  return localsAtStatement(d, statementOf(d, place)).map((local) => slots[local.slot]);
}
