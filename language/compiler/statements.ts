// Statements: each begins with an instruction that passes its hook and charges its cost. A loop is one statement; a debugger passes its head once
// more for every time round.
import type { Assign, Block, Exit, Expect, Expr, For, Fork, If, Let, Repeat, Return, Sleep, Statement, Touch, Wait, While } from '../generated/ast.ts';
import { rangeOf, rangeOfProperty } from '../ranges.ts';
import type { Range } from '../source.ts';
import { stringValue } from '../text.ts';
import type { BinaryOperator, ExpressionData } from '../runtime/program.ts';
import { PAGE_SIZE } from '../../engine/index.ts';
import { acts } from './acting.ts';
import type { Builder } from './builder.ts';
import { allocate, at, declare, emit, findLocal, held, here, inBlock, patch, problem, temporary } from './builder.ts';
import { spanOf, textOf } from './compilation.ts';
import { lower, lowerAll, lowerCallStatement, lowerInto } from './expressions.ts';
import { namesOfTask } from './task-names.ts';

export function lowerBlock(builder: Builder, block: Block): void {
  inBlock(builder, () => {
    for (const statement of block.statements) lowerStatement(builder, statement);
  });
}

/** Adds a statement to the table and emits its beginning; its id. `range` is what a debugger marks: a loop's head, not its body. */
function beginStatement(builder: Builder, range: Range, op: 'statement' | 'head' = 'statement'): number {
  const { compilation, file, index, routine, task } = builder;
  const id = compilation.statements.length;
  compilation.statements.push({ id, ...spanOf(compilation, file, range), def: routine.kind === 'def' ? routine.name : null, task, routine: index });
  emit(builder, { op, id });
  return id;
}

/** From the statement's first word to the end of its last part before a block. */
function headRange(statement: Statement, last: Expr): Range {
  return { start: rangeOf(statement).start, end: rangeOf(last).end };
}

/** Temporaries end with the statement; what `let` declares stays. */
function lowerStatement(builder: Builder, statement: Statement): void {
  if (!isHeaded(statement)) beginStatement(builder, wholeRange(statement));
  const { nextSlot } = builder;
  lowerParts(builder, statement);
  builder.nextSlot = statement.$type === 'Let' ? nextSlot + 1 : nextSlot;
}

/** All of a statement, but of a `fork` only its head: the block has statements of its own. */
function wholeRange(statement: Statement): Range {
  const fork = statement.$type === 'ForkStatement' || statement.$type === 'Let' || statement.$type === 'Assign' ? statement.fork : undefined;
  return { start: rangeOf(statement).start, end: fork === undefined ? rangeOf(statement).end : rangeOfProperty(fork, 'name').end };
}

function isHeaded(statement: Statement): boolean {
  return ['If', 'While', 'For', 'Repeat'].includes(statement.$type);
}

function lowerParts(builder: Builder, statement: Statement): void {
  switch (statement.$type) {
    case 'Let': return lowerLet(builder, statement);
    case 'Assign': return lowerAssign(builder, statement);
    case 'If': return lowerIf(builder, statement);
    case 'While': return lowerWhile(builder, statement);
    case 'For': return lowerFor(builder, statement);
    case 'Repeat': return lowerRepeat(builder, statement);
    case 'Break': return leave(builder, 'breaks');
    case 'Continue': return leave(builder, 'continues');
    case 'Return': return lowerReturn(builder, statement);
    case 'Exit': return lowerExit(builder, statement);
    case 'Sleep': return lowerSleep(builder, statement);
    case 'Expect': return lowerExpect(builder, statement);
    case 'Wait': return lowerWait(builder, statement);
    case 'ForkStatement': return lowerFork(builder, statement.fork, null);
    case 'Touch': return lowerTouch(builder, statement);
    case 'CallStatement': return lowerCallStatement(builder, statement);
    case 'Breakpoint': return void emit(builder, { op: 'breakpoint' });
    default: return problem(builder, statement, 'This is no statement.');
  }
}

function lowerLet(builder: Builder, { name, value, fork }: Let): void {
  const slot = allocate(builder);
  if (fork !== undefined) lowerFork(builder, fork, slot);
  else lowerInto(builder, value!, slot);
  declare(builder, name, slot);
}

function lowerAssign(builder: Builder, node: Assign): void {
  const { target, operator, value, fork } = node;
  if (target.$type === 'Index') return lowerStore(builder, node);
  const local = target.$type === 'NameRef' ? findLocal(builder, target.name) : undefined;
  if (local === undefined) return problem(builder, target, 'Only variables and items of lists can be set.');
  if (fork !== undefined) return lowerFork(builder, fork, local.slot);
  if (operator === '=') return lowerInto(builder, value!, local.slot);
  const before: ExpressionData = { kind: 'slot', slot: local.slot, name: local.name, at: at(builder, target) };
  emit(builder, { op: 'set', slot: local.slot, value: changed(builder, node, before, lower(builder, value!)) });
}

/** `x[i] = e` and `x[i] += e`: the list, the index, the item before, then `e`. */
function lowerStore(builder: Builder, node: Assign): void {
  const { target, operator, value, fork } = node;
  if (target.$type !== 'Index') return;
  const where = at(builder, node);
  if (fork !== undefined) {
    const [list, index] = lowerAll(builder, [target.object, target.index]).map((part) => held(builder, part));
    const pid = allocate(builder);
    lowerFork(builder, fork, pid);
    emit(builder, { op: 'store', list: list!, index: index!, value: temporary(pid, where), at: where });
    return;
  }
  if (operator === '=') {
    const [list, index, item] = lowerAll(builder, [target.object, target.index, value!]);
    emit(builder, { op: 'store', list: list!, index: index!, value: item!, at: where });
    return;
  }
  const [list, index] = lowerAll(builder, [target.object, target.index]).map((part) => held(builder, part));
  const read: ExpressionData = { kind: 'index', object: list!, index: index!, at: at(builder, target) };
  const before = acts(builder, value!) ? held(builder, read) : read;
  emit(builder, { op: 'store', list: list!, index: index!, value: changed(builder, node, before, lower(builder, value!)), at: where });
}

function changed(builder: Builder, node: Assign, left: ExpressionData, right: ExpressionData): ExpressionData {
  return { kind: 'binary', operator: node.operator.slice(0, -1) as BinaryOperator, left, right, at: at(builder, node) };
}

/** An `else if` passes a hook of its own, so that a debugger stops there, and costs nothing: it is part of the one statement. */
function lowerIf(builder: Builder, node: If): void {
  const ends: number[] = [];
  for (const [i, branch] of [node, ...node.elseIfs].entries()) {
    beginStatement(builder, { start: rangeOf(branch).start, end: rangeOf(branch.condition).end }, i === 0 ? 'statement' : 'head');
    const skip = emit(builder, { op: 'unless', condition: lower(builder, branch.condition), to: -1 });
    lowerBlock(builder, branch.then);
    const isLast = i === node.elseIfs.length && node.else === undefined;
    if (!isLast) ends.push(emit(builder, { op: 'jump', to: -1 }));
    patch(builder, skip);
  }
  if (node.else !== undefined) lowerBlock(builder, node.else);
  for (const end of ends) patch(builder, end);
}

function leave(builder: Builder, how: 'breaks' | 'continues'): void {
  builder.loops.at(-1)?.[how].push(emit(builder, { op: 'jump', to: -1 }));
}

function lowerReturn(builder: Builder, { value }: Return): void {
  emit(builder, { op: 'return', value: value === undefined ? null : lower(builder, value) });
}

function lowerExit(builder: Builder, node: Exit): void {
  emit(builder, { op: 'exit', value: node.value === undefined ? null : lower(builder, node.value), at: at(builder, node) });
}

function lowerSleep(builder: Builder, node: Sleep): void {
  emit(builder, { op: 'sleep', time: lower(builder, node.time), at: at(builder, node) });
}

function lowerExpect(builder: Builder, node: Expect): void {
  const condition = lower(builder, node.condition);
  const message = node.message === undefined ? null : stringValue(node.message);
  emit(builder, { op: 'expect', condition, text: textOf(builder.compilation, builder.file, node.condition), message, at: at(builder, node) });
}

function lowerWait(builder: Builder, { task }: Wait): void {
  if (task === 'all') emit(builder, { op: 'wait', tasks: [], forks: null });
  else emit(builder, { op: 'wait', ...namesOfTask(builder.compilation, task) });
}

/** The block follows at once, for the child: it begins with all variables of its parent, has loops of its own only, and ends by exiting. */
function lowerFork(builder: Builder, fork: Fork, slot: number | null): void {
  const { loops, task } = builder;
  const parent = emit(builder, { op: 'fork', name: fork.name, slot, to: -1, at: at(builder, { start: rangeOf(fork).start, end: rangeOfProperty(fork, 'name').end }) });
  builder.loops = [];
  builder.task = task === null ? null : fork.name;
  lowerBlock(builder, fork.body);
  emit(builder, { op: 'exit', value: null, at: at(builder, fork) });
  builder.loops = loops;
  builder.task = task;
  patch(builder, parent);
}

/** The default step is given to `range` too, which checks the others. */
function lowerTouch(builder: Builder, node: Touch): void {
  const where = at(builder, node);
  const [from, end, step] = lowerAll(builder, [node.from, node.to, ...(node.step === undefined ? [] : [node.step])]);
  const state = allocate(builder, 3);
  emit(builder, { op: 'range', state, from: from!, end: end!, step: step ?? { kind: 'literal', value: PAGE_SIZE, at: where }, at: where });
  emit(builder, { op: 'touch', state, mode: node.mode ?? null, hasStep: step !== undefined, at: where });
}

function lowerWhile(builder: Builder, node: While): void {
  const id = beginStatement(builder, headRange(node, node.condition));
  const again = here(builder);
  const exit = emit(builder, { op: 'unless', condition: lower(builder, node.condition), to: -1 });
  lowerRounds(builder, id, { again, exit, body: node.body });
}

function lowerFor(builder: Builder, node: For): void {
  const id = beginStatement(builder, headRange(node, node.step ?? node.range));
  inBlock(builder, () => {
    if (node.range.$type === 'Range') {
      const [from, end, step] = lowerAll(builder, [node.range.from, node.range.to, ...(node.step === undefined ? [] : [node.step])]);
      const state = allocate(builder, 3);
      emit(builder, { op: 'range', state, from: from!, end: end!, step: step ?? null, at: at(builder, node.range) });
      lowerCounted(builder, id, { state, name: node.variable.name, body: node.body });
      return;
    }
    const list = lower(builder, node.range);
    const state = allocate(builder, 2);
    emit(builder, { op: 'list', state, list, at: at(builder, node.range) });
    const variable = allocate(builder);
    const again = emit(builder, { op: 'nextInList', state, variable, exit: -1 });
    declare(builder, node.variable.name, variable);
    lowerRounds(builder, id, { again, exit: again, body: node.body });
  });
}

/** `repeat n` is a range from 0 to n. */
function lowerRepeat(builder: Builder, node: Repeat): void {
  const id = beginStatement(builder, headRange(node, node.count));
  inBlock(builder, () => {
    const where = at(builder, node.count);
    const zero: ExpressionData = { kind: 'literal', value: 0, at: where };
    const end = lower(builder, node.count);
    const state = allocate(builder, 3);
    emit(builder, { op: 'range', state, from: zero, end, step: null, at: where });
    lowerCounted(builder, id, { state, name: node.variable?.name ?? null, body: node.body });
  });
}

function lowerCounted(builder: Builder, id: number, { state, name, body }: { state: number; name: string | null; body: Block }): void {
  const variable = name === null ? null : allocate(builder);
  const again = emit(builder, { op: 'nextInRange', state, variable, exit: -1 });
  if (name !== null) declare(builder, name, variable!);
  lowerRounds(builder, id, { again, exit: again, body });
}

/** The body and the way back to `again`. A round without a statement costs what one does, or time would stand still. */
function lowerRounds(builder: Builder, id: number, { again, exit, body }: { again: number; exit: number; body: Block }): void {
  const loop = { breaks: [] as number[], continues: [] as number[] };
  builder.loops.push(loop);
  lowerBlock(builder, body);
  builder.loops.pop();
  for (const jump of loop.continues) patch(builder, jump);
  emit(builder, { op: body.statements.length === 0 ? 'statement' : 'head', id });
  emit(builder, { op: 'jump', to: again });
  patch(builder, exit);
  for (const jump of loop.breaks) patch(builder, jump);
}
