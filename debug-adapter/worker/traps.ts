// Breakpoints in the worker: each armed one becomes a trap at its places. Conditions are closures made once, tried by position inside the hook's own
// test, so that one that does not hold costs no stop (DESIGN.md, decision 4).

import type { Kernel } from '../../engine/index.ts';
import type { ExpressionData, LogText } from '../../language/runtime/index.ts';
import { EvaluationError, compileCondition, compileLog, framesOf } from '../../language/runtime/index.ts';
import type { FunctionInfo } from '../../build/instrument/tables.ts';
import type { ArmedBreakpoint, HitCondition, PlaceId } from './commands.ts';
import type { Debuggee, Trap } from './state.ts';
import { enginePlace, isEnginePlace, statementOf } from './state.ts';
import { unsignedAddress } from './format.ts';
import { withPages } from './page-names.ts';
import { functionAt, localsAtStatement } from './stack.ts';
import { __bp, __test, always } from './hooks.ts';

/** Bits of a place in __bp. */
export const BREAKPOINT = 1;
export const STEPPING = 2;

/** Replaces every breakpoint; what cannot be armed is said by id, and the rest is armed. Hit counts of breakpoints that stay go on. */
export function arm(d: Debuggee, breakpoints: readonly ArmedBreakpoint[]): { id: number; message: string }[] {
  const counts = new Map([...d.traps.values()].flat().map((trap) => [trap.breakpoint.id, trap.hits]));
  for (const place of d.traps.keys()) disarm(d, place);
  d.traps.clear();
  d.filters = new Map(breakpoints.filter(({ kind, places }) => kind === 'exception' && places.length === 0).map((breakpoint) => [breakpoint.name, breakpoint]));
  const problems: { id: number; message: string }[] = [];
  for (const breakpoint of breakpoints) {
    const hits = counts.get(breakpoint.id) ?? { count: 0 };
    for (const place of breakpoint.places) {
      try {
        addTrap(d, place, makeTrap(d, place, breakpoint, hits));
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        problems.push({ id: breakpoint.id, message: error.message });
      }
    }
  }
  return problems;
}

function disarm(d: Debuggee, place: PlaceId): void {
  __bp[place]! &= ~BREAKPOINT;
  if (isEnginePlace(d, place)) __test[place] = always;
}

function addTrap(d: Debuggee, place: PlaceId, trap: Trap): void {
  const traps = d.traps.get(place) ?? [];
  traps.push(trap);
  d.traps.set(place, traps);
  __bp[place]! |= BREAKPOINT;
  if (isEnginePlace(d, place) && functionAt(d, place).entry === place) __test[place] = entryTest(d, place, traps);
}

function makeTrap(d: Debuggee, place: PlaceId, breakpoint: ArmedBreakpoint, hits: { count: number }): Trap {
  const names = isEnginePlace(d, place) ? enginePlace(d, place).vars : localsAtStatement(d, statementOf(d, place)).map((local) => local.name);
  return {
    breakpoint, hits,
    inBoot: breakpoint.kind === 'line' || !isEnginePlace(d, place) || isOfBoot(d, functionAt(d, place)),
    test: breakpoint.condition === null ? always : quietCondition(d, place, conditionAt(d, place, breakpoint.condition), names),
    log: breakpoint.log === null ? null : quietLog(d, place, breakpoint.log, names),
  };
}

/** A condition as it is tried at a place. */
function conditionAt(d: Debuggee, place: PlaceId, condition: ExpressionData): ExpressionData {
  return isEnginePlace(d, place) ? withPages(condition) : condition;
}

/** The test in the hook of a function's entry: called with the parameters by position, before anything is gathered. */
function entryTest(d: Debuggee, place: PlaceId, traps: readonly Trap[]): (...parameters: unknown[]) => boolean {
  const { params } = functionAt(d, place);
  const tests = traps.map((trap) => {
    const condition = trap.breakpoint.condition === null ? always : quietCondition(d, place, withPages(trap.breakpoint.condition), params);
    return (parameters: readonly unknown[]) => isHeard(d, trap) && condition(d.machine.k, parameters);
  });
  return (...parameters) => !d.isReading && ((__bp[place]! & STEPPING) !== 0 || tests.some((test) => test(parameters)));
}

/** Files whose functions run in the boot alone. */
const BOOT_FILES = /^engine\/(mm\/bootmem|mm\/page_alloc_init|arch\/\w+\/setup)\.ts$/;
/** So do those of these names; a BUG is heard whenever it happens. */
const BOOT_NAMES = /bootmem|^apply_boot_sysctls$|^page_writeback_init$|^trace_kernel_bug$/;

/** Whether a function's passings in the boot are the ones that a breakpoint on it is for. */
function isOfBoot(d: Debuggee, { name, file }: FunctionInfo): boolean {
  return BOOT_FILES.test(d.tables.files[file]!.path) || BOOT_NAMES.test(name);
}

/** Whether a passing counts for a breakpoint: in the boot only what that is for, and what the scenario's `boot` block calls. */
export function isHeard({ machine: { k } }: Debuggee, trap: Trap): boolean {
  return k.system_running !== 0 || trap.inBoot || framesOf(k.tasks[0]!.program).length > 0;
}

/** A condition that cannot be evaluated (a member of nothing, a division by zero) does not hold. Throws EvaluationError for unknown names. */
function quietCondition(
  d: Debuggee, place: PlaceId, expression: ExpressionData, names: readonly string[],
): (k: Kernel, values: readonly unknown[]) => boolean {
  const condition = compileCondition(expression, names, d.constants);
  const readable = readableAt(d, place);
  return (k, values) => {
    d.isReading = true;
    try {
      return condition(k, readable(values));
    } catch (error) {
      if (error instanceof EvaluationError) return false;
      throw error;
    } finally {
      d.isReading = false;
    }
  };
}

/** A logpoint's text; what its expressions run of the engine is looked past. */
function quietLog(d: Debuggee, place: PlaceId, text: LogText, names: readonly string[]): (k: Kernel, values: readonly unknown[]) => string {
  const log = compileLog(text, names, d.constants);
  const readable = readableAt(d, place);
  return (k, values) => {
    d.isReading = true;
    try {
      return log(k, readable(values));
    } finally {
      d.isReading = false;
    }
  };
}

/** Values of the engine as a condition reads them: kernel addresses of x86_64, which are signed there alone, unsigned. */
function readableAt(d: Debuggee, place: PlaceId): (values: readonly unknown[]) => readonly unknown[] {
  return isEnginePlace(d, place) && d.program.config.arch === 'x86_64' ? (values) => values.map(unsignedAddress) : (values) => values;
}

/** Whether a passing counts, by the trap's hit condition; the passing is counted. */
export function countHit(trap: Trap): boolean {
  const count = ++trap.hits.count;
  return trap.breakpoint.hit === null || hitHolds(trap.breakpoint.hit, count);
}

function hitHolds(hit: HitCondition, count: number): boolean {
  switch (hit.operator) {
    case '==': return count === hit.count;
    case '>': return count > hit.count;
    case '>=': return count >= hit.count;
    case '<': return count < hit.count;
    case '<=': return count <= hit.count;
    case '%': return hit.count > 0 && count % hit.count === 0;
  }
}

/** Marks the places a step may end at, and takes the marks away again. */
export function markPlaces(places: Iterable<PlaceId>): void {
  for (const place of places) __bp[place]! |= STEPPING;
}

export function unmarkAllPlaces(count: number): void {
  for (let place = 0; place < count; place++) __bp[place]! &= ~STEPPING;
}
