// Statements: where they may stand, and what they take.
import { AstUtils } from 'langium';
import type { AstNode } from 'langium';
import { isDef } from '../generated/ast.ts';
import type { Block, BlockStatement, Break, Continue, Exit, For, Fork, ForkStatement, Let, Repeat, Return, Sleep, Statement, Touch, Wait } from '../generated/ast.ts';
import { rangeOfKeyword } from '../ranges.ts';
import { runnersOf } from './callers.ts';
import type { Callers } from './callers.ts';
import type { CheckContext } from './context.ts';
import { checkUnit } from './quantities.ts';

/** What the ends of a `touch` are. */
const AN_ADDRESS = 'an address, as in `area + 4KiB`';

export function checkJump(node: Break | Continue, context: CheckContext): void {
  const word = node.$type === 'Break' ? 'break' : 'continue';
  for (let at: AstNode | undefined = node.$container; at !== undefined; at = at.$container) {
    if (at.$type === 'While' || at.$type === 'For' || at.$type === 'Repeat') return;
    if (at.$type === 'Fork') return context.error(node, `\`${word}\` cannot leave the \`fork\` block: the loop around it is the parent's. The child ends with \`exit\`.`);
  }
  context.error(node, `\`${word}\` stands in a loop only: \`while\`, \`for\` or \`repeat\`.`);
}

export function checkReturn(node: Return, context: CheckContext): void {
  const owner = AstUtils.getContainerOfType<AstNode>(node, isDefOrFork);
  if (owner?.$type === 'Fork') context.error(rangeOfKeyword(node, 'return'), '`return` cannot leave the `fork` block: the child ends with `exit`.');
  else if (owner === undefined || !isDef(owner)) context.error(rangeOfKeyword(node, 'return'), '`return` stands in a `def` only: a task ends with `exit`.');
  checkValueLine(node, 'return', context);
}

export function checkExit(node: Exit, context: CheckContext): void {
  checkValueLine(node, 'exit', context);
  checkUnit(node.value, { name: '`exit`', kind: 'count' }, context);
}

export function checkBlockStatement(node: BlockStatement, context: CheckContext): void {
  context.error({ start: node.$cstNode!.offset, end: node.$cstNode!.offset + 1 }, 'A block alone is no statement: it belongs to an `if`, a loop or a `fork`.');
}

export function checkSleep(node: Sleep, context: CheckContext): void {
  checkUnit(node.time, { name: '`sleep`', kind: 'time' }, context);
}

export function checkRepeat(node: Repeat, context: CheckContext): void {
  checkUnit(node.count, { name: '`repeat`', kind: 'count' }, context);
}

export function checkTouch(node: Touch, context: CheckContext): void {
  checkUnit(node.from, { name: 'The start of `touch`', kind: 'size', what: AN_ADDRESS }, context);
  checkUnit(node.to, { name: 'The end of `touch`', kind: 'size', what: AN_ADDRESS }, context);
  checkStep(node, context);
}

export function checkFor(node: For, context: CheckContext): void {
  const { range } = node;
  if (range !== undefined && range.$type !== 'Range' && node.step !== undefined) context.error(node, '`step` belongs to a range `a .. b`: a list is gone through item by item.', 'step');
  if (range !== undefined && ['NumberLiteral', 'BooleanLiteral', 'StringLiteral'].includes(range.$type)) {
    context.error(range, '`for` goes through a range or a list: write `0 .. 8` or `[1, 2]`.');
  }
  checkStep(node, context);
}

function checkStep(node: For | Touch, context: CheckContext): void {
  const { step } = node;
  if (step?.$type === 'NumberLiteral' && /^0(?:x0)?[0_]*[A-Za-z]*$/.test(step.text)) context.error(step, 'A step of 0 never ends: write at least 1.');
}

/** Before the page allocator exists nothing sleeps, forks or faults. */
export function checkBootStatement(node: Sleep | Touch | Wait | Exit | ForkStatement | Let, callers: Callers, context: CheckContext): void {
  if (node.$type === 'Let' && node.fork === undefined) return;
  const runner = runnersOf(node, callers).find((candidate) => candidate.context === 'boot');
  if (runner === undefined) return;
  const word = node.$type === 'Let' || node.$type === 'ForkStatement' ? 'fork' : node.$type.toLowerCase();
  context.error(node, `\`${word}\` cannot stand in \`boot\`, nor in a \`def\` that it calls: there are no tasks and no page tables yet.`);
}

/** A kernel thread has no memory of its own that a child could share. */
export function checkForker(node: Fork, callers: Callers, context: CheckContext): void {
  const runner = runnersOf(node, callers).find((candidate) => candidate.context === 'kernel');
  if (runner === undefined) return;
  const where = AstUtils.getContainerOfType(node, isDef) === undefined ? '' : `, and ${runner.why}`;
  context.error(rangeOfKeyword(node, 'fork'), `Only a \`process\` forks: a kernel thread has no address space to copy${where}.`);
}

/** What follows a jump in the same block is never run. */
export function checkReachable(block: Block, context: CheckContext): void {
  const statements = block.statements ?? [];
  const jump = statements.findIndex(isJump);
  const next: Statement | undefined = statements[jump + 1];
  if (jump >= 0 && next !== undefined) context.warning(next, `This is never run: \`${statements[jump]!.$type.toLowerCase()}\` comes before it.`);
}

function isJump(statement: Statement): boolean {
  return ['Break', 'Continue', 'Return', 'Exit'].includes(statement.$type);
}

/** `return` and `exit` take what follows, on the next line too. */
function checkValueLine(node: Return | Exit, word: 'return' | 'exit', context: CheckContext): void {
  if (node.value?.$cstNode === undefined || node.$cstNode === undefined) return;
  if (node.value.$cstNode.range.start.line === node.$cstNode.range.start.line) return;
  context.warning(node.value, `This is the value of the \`${word}\` on the line before: write \`${word};\` if it is a statement of its own.`);
}

function isDefOrFork(node: AstNode): node is AstNode {
  return node.$type === 'Def' || node.$type === 'Fork';
}
