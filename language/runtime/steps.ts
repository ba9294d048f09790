/** Instructions made ready to run: each becomes a step whose expressions are closures. */
import { charge } from '../../engine/index.ts';
import { EvaluationError, located } from './errors.ts';
import { hold } from './held-values.ts';
import { toText } from './objects.ts';
import type { Instruction, Span } from './program.ts';
import type { Step } from './step.ts';
import { jump, keep, link, next } from './step.ts';
import { breakpoint, defCall, exit, expectation, kernelCall, print, random, returning, sleep, wait } from './steps-calls.ts';
import { list, nextInList, nextInRange, range } from './steps-loops.ts';
import { fork, touch } from './steps-process.ts';
import type { Value } from './values.ts';
import { bounded, isTrue, nameOfKind } from './values.ts';

/** The step of an instruction. Throws EvaluationError for a name or a call that nothing stands behind. */
export function linkInstruction(instruction: Instruction): Step {
  switch (instruction.op) {
    case 'statement': return statement(instruction.id);
    case 'head': return head(instruction.id);
    case 'set': return set(instruction);
    case 'store': return store(instruction);
    case 'jump': return { go: (_, _run, frame) => jump(frame, instruction.to) };
    case 'unless': return unless(instruction);
    case 'range': return range(instruction);
    case 'nextInRange': return nextInRange(instruction);
    case 'list': return list(instruction);
    case 'nextInList': return nextInList(instruction);
    case 'kernel': return kernelCall(instruction);
    case 'random': return random(instruction);
    case 'def': return defCall(instruction);
    case 'return': return returning(instruction);
    case 'print': return print(instruction);
    case 'expect': return expectation(instruction);
    case 'sleep': return sleep(instruction);
    case 'wait': return wait(instruction);
    case 'fork': return fork(instruction);
    case 'touch': return touch(instruction);
    case 'exit': return exit(instruction);
    case 'breakpoint': return breakpoint();
  }
}

/** Where a task may lose its CPU: before a statement, when one has run since the last look. */
function statement(id: number): Step {
  return {
    go(k, { position, host }, frame) {
      if (position.isReschedDue && k.now >= k.sched.horizon) {
        position.isReschedDue = false;
        return 'resched';
      }
      position.isReschedDue = true;
      frame.statement = id;
      host.statement(k, id);
      charge(k, k.cost.statement);
      return next(frame);
    },
  };
}

function head(id: number): Step {
  return {
    go(k, { host }, frame) {
      frame.statement = id;
      host.statement(k, id);
      return next(frame);
    },
  };
}

function set({ slot, value }: Instruction & { op: 'set' }): Step {
  const closure = link(value);
  return {
    go(k, { position }, frame) {
      const result = closure(k, frame.slots);
      hold(k, position, result, value.at);
      return keep(frame, slot, result);
    },
  };
}

function store({ list: whole, index, value, at }: Instruction & { op: 'store' }): Step {
  const [listOf, indexOf, valueOf] = [link(whole), link(index), link(value)];
  return {
    go(k, { position }, frame) {
      const items = listOf(k, frame.slots);
      const place = indexOf(k, frame.slots);
      const item = valueOf(k, frame.slots);
      if (!Array.isArray(items)) throw new EvaluationError(`Only a list's items can be set: this is ${nameOfKind(items)}.`, at);
      if (typeof place !== 'number' || place < 0 || place >= items.length) throw new EvaluationError(`Index ${toText(k, place)} is outside a list of ${items.length}.`, at);
      hold(k, position, item, at);
      setItem(items, place, item, at);
      return next(frame);
    },
  };
}

/** A list that would become too large stays as it is. Throws EvaluationError. */
function setItem(items: Value[], place: number, item: Value, at: Span): void {
  const before = items[place]!;
  items[place] = item;
  if (typeof item !== 'string' && !Array.isArray(item)) return;
  try {
    bounded(items);
  } catch (error) {
    items[place] = before;
    throw located(error, at);
  }
}

function unless({ condition, to }: Instruction & { op: 'unless' }): Step {
  const closure = link(condition);
  return { go: (k, _, frame) => (isTrue(closure(k, frame.slots)) ? next(frame) : jump(frame, to)) };
}
