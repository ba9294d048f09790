/** Steps of the two kinds of `for`: over a range, and over a list. `repeat` is a range without a variable. */
import { EvaluationError, located, placed } from './errors.ts';
import { hold } from './held-values.ts';
import { itemsOf } from './objects.ts';
import type { Instruction, Span } from './program.ts';
import type { Step } from './step.ts';
import { jump, link, next } from './step.ts';
import type { Integer, Value } from './values.ts';
import { BINARY, ValueError, toInteger } from './values.ts';

/** Evaluates from, end and step, in this order, into three slots. */
export function range({ state, from, end, step, at }: Instruction & { op: 'range' }): Step {
  const parts = [from, end, ...(step === null ? [] : [step])].map(link);
  return {
    go(k, _, frame) {
      const values = parts.map((part) => part(k, frame.slots));
      const [first, last, by = 1] = values.map((value) => bound(value, at));
      if (by === 0) throw new EvaluationError('A step of 0 never ends.', at);
      frame.slots[state] = first!;
      frame.slots[state + 1] = last!;
      frame.slots[state + 2] = by;
      return next(frame);
    },
  };
}

/** Hands out the counter, or leaves the loop; a negative step counts down to the end, which is never reached either. */
export function nextInRange({ state, variable, exit }: Instruction & { op: 'nextInRange' }): Step {
  return {
    go(_, _run, frame) {
      const [counter, end, by] = [frame.slots[state] as Integer, frame.slots[state + 1] as Integer, frame.slots[state + 2] as Integer];
      if (by > 0 ? counter >= end : counter <= end) return jump(frame, exit);
      if (variable !== null) frame.slots[variable] = counter;
      frame.slots[state] = advanced(counter, by, end);
      return next(frame);
    },
  };
}

/** Takes the items as they are when the loop begins. */
export function list({ state, list: whole, at }: Instruction & { op: 'list' }): Step {
  const items = link(whole);
  return {
    go(k, { position }, frame) {
      const value = items(k, frame.slots);
      const walked = placed(at, () => itemsOf(k, value));
      hold(k, position, walked, at);
      frame.slots[state] = walked;
      frame.slots[state + 1] = 0;
      return next(frame);
    },
  };
}

export function nextInList({ state, variable, exit }: Instruction & { op: 'nextInList' }): Step {
  return {
    go(_, _run, frame) {
      const items = frame.slots[state] as Value[];
      const index = frame.slots[state + 1] as number;
      if (index >= items.length) return jump(frame, exit);
      frame.slots[variable] = items[index]!;
      frame.slots[state + 1] = index + 1;
      return next(frame);
    },
  };
}

function bound(value: Value, at: Span): Integer {
  try {
    return toInteger(value);
  } catch (error) {
    throw located(error, at);
  }
}

/** Past the largest integer there is nothing before any end. */
function advanced(counter: Integer, by: Integer, end: Integer): Value {
  try {
    return BINARY['+']!(counter, by);
  } catch (error) {
    if (error instanceof ValueError) return end;
    throw error;
  }
}
