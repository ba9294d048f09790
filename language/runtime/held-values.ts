/**
 * How much a scenario's variables may hold, so that no scenario uses up the memory of the emulator. What goes into variables is counted as it comes;
 * when that is much, what all of them really hold is counted. The count is a part of the position, so a copy of the machine counts on alike.
 */
import type { Kernel } from '../../engine/index.ts';
import { placed } from './errors.ts';
import { showBytes } from './kinds.ts';
import type { Position, Span } from './program.ts';
import type { Value } from './values.ts';
import { ValueError, sizeInMemory } from './values.ts';

/** What the variables of all tasks may hold together, in words: 128 MiB. */
const MAX_HELD = 2 ** 24;
/** What may come into a task's variables between two counts, in words. */
const COUNT_AFTER = 2 ** 20;

/** Called for a value before it goes into a variable; `at` is where it comes from. Throws EvaluationError when the variables hold too much. */
export function hold(k: Kernel, position: Position, value: Value, at: Span): void {
  if (typeof value !== 'string' && !Array.isArray(value)) return;
  position.stored += sizeInMemory(value);
  if (position.stored <= COUNT_AFTER) return;
  position.stored = 0;
  placed(at, () => checkHeld(heldBy(k, value)));
}

/** What the variables of all tasks hold, and one value more. */
function heldBy(k: Kernel, value: Value): number {
  const seen = new Set<Value>();
  const frames = k.tasks.flatMap((task) => (task.program as Position | null)?.frames ?? []);
  return [value, ...frames.flatMap((frame) => frame.slots)].reduce<number>((sum, slot) => sum + sizeInMemory(slot, seen), 0);
}

/** Values that are needed at the same time, made one by one: they may together be as large as all variables. Throws ValueError. */
export function together<T>(makers: readonly T[], make: (maker: T) => Value): Value[] {
  const values: Value[] = [];
  let seen: Set<Value> | undefined;
  let size = 0;
  for (const maker of makers) {
    const value = make(maker);
    values.push(value);
    if (typeof value !== 'string' && !Array.isArray(value)) continue;
    size += sizeInMemory(value, (seen ??= new Set()));
    checkHeld(size);
  }
  return values;
}

function checkHeld(size: number): void {
  if (size > MAX_HELD) throw new ValueError(`the values in use take more than ${showBytes(MAX_HELD * 8)}`);
}
