// Names that mean nothing, names declared twice, and assignments to what does not change.
import { functionNames, globalNames, isCallee } from '../bindings.ts';
import type { Declared } from '../declarations.ts';
import type { Assign, Expr, NameRef, Signed } from '../generated/ast.ts';
import { didYouMean } from '../near.ts';
import { CONSTANTS } from '../vocabulary/constants.ts';
import { GLOBALS } from '../vocabulary/members.ts';
import type { CheckContext } from './context.ts';
import { isInStop } from './pure.ts';

export function checkNameRef(node: NameRef, context: CheckContext): void {
  if (node.name === undefined || context.bindings.meanings.has(node)) return;
  if (isCallee(node)) return context.error(node, unknownFunction(node, context));
  if (!isInStop(node)) context.error(node, unknownName(node, context));
}

export function checkSignedName(node: Signed, context: CheckContext): void {
  if (node.constant === undefined || context.bindings.meanings.has(node) || isSignal(node)) return;
  const known = [...context.bindings.consts.keys(), ...Object.keys(CONSTANTS)];
  context.error(node, `There is no constant \`${node.constant}\`.${didYouMean(node.constant, known) || ' A setting or an option takes a number or a `const`.'}`);
}

/** The check of `dies` says what signals there are. */
function isSignal(node: Signed): boolean {
  return node.$container.$type === 'ValueOption' && node.$container.key === 'dies';
}

export function checkDuplicates(contexts: readonly CheckContext[]): void {
  for (const { declared, first } of contexts[0]?.bindings.duplicates ?? []) {
    const context = contexts.find((candidate) => candidate.source === declared.source)!;
    context.error(declared.node, duplicateMessage(declared, context.whereIs(first)), 'name');
  }
}

/** A scenario's own `const` hides one that is always there. */
export function checkHidden(contexts: readonly CheckContext[]): void {
  for (const declared of contexts[0]?.bindings.consts.values() ?? []) {
    if (!Object.hasOwn(CONSTANTS, declared.name) && !Object.hasOwn(GLOBALS, declared.name)) continue;
    const context = contexts.find((candidate) => candidate.source === declared.source)!;
    context.warning(declared.node, `This hides the \`${declared.name}\` that every scenario has: take another name if you mean both.`, 'name');
  }
}

export function checkAssign(node: Assign, context: CheckContext): void {
  if (node.fork !== undefined && node.operator !== '=') context.error(node, `A \`fork\` gives its pid to \`=\` only, not to \`${node.operator}\`.`, 'operator');
  if (node.target === undefined) return;
  const root = rootOf(node.target);
  if (root === undefined || hasMember(node.target)) return context.error(node.target, 'Members cannot be assigned to: what the machine holds changes by what tasks do.');
  const meaning = context.bindings.meanings.get(root);
  const isItem = node.target.$type !== 'NameRef';
  if (meaning?.kind === 'const' || meaning?.kind === 'constant') context.error(root, `\`${root.name}\` is a constant and does not change${isItem ? ', nor do its items' : ''}: use a \`let\`.`);
  if (meaning?.kind === 'machine') context.error(root, `\`${root.name}\` is a part of the machine and cannot be assigned to.`);
}

function rootOf(target: Expr): NameRef | undefined {
  if (target.$type === 'NameRef') return target;
  return target.$type === 'Index' || target.$type === 'Member' ? rootOf(target.object) : undefined;
}

function hasMember(target: Expr): boolean {
  if (target.$type === 'Member') return true;
  return target.$type === 'Index' && hasMember(target.object);
}

function unknownName(node: NameRef, context: CheckContext): string {
  const { name } = node;
  if (context.bindings.defs.has(name)) return `\`${name}\` is a \`def\`: call it with \`${name}(…)\`.`;
  if (functionNames(context.bindings).includes(name)) return `\`${name}\` is a function: call it with \`${name}(…)\`.`;
  if (context.bindings.tasks.has(name)) return `\`${name}\` is a task: write \`processes.${name}\`.`;
  const suggestion = didYouMean(name, [...(context.bindings.visible.get(node) ?? []), ...globalNames(context.bindings)]);
  if (node.$container.$type === 'Assign' && node.$containerProperty === 'target') return `There is no variable \`${name}\` here.${suggestion || ` Declare it with \`let ${name} = …\`.`}`;
  return `There is no \`${name}\` here.${suggestion || ` Declare it with \`let ${name} = …\` or \`const ${name} = …\`.`}`;
}

function unknownFunction(node: NameRef, context: CheckContext): string {
  const { name } = node;
  const isVariable = context.bindings.visible.get(node)?.includes(name) || globalNames(context.bindings).includes(name);
  if (isVariable) return `\`${name}\` is a value and cannot be called.`;
  return `There is no function \`${name}\`.${didYouMean(name, functionNames(context.bindings)) || ` Declare it with \`def ${name}(…) { … }\`.`}`;
}

function duplicateMessage(declared: Declared, where: string): string {
  const { name, kind } = declared;
  if (kind === 'let') return `\`${name}\` is already declared in this block (${where}): write \`${name} = …\` to change it.`;
  if (kind === 'parameter') return `Two parameters are named \`${name}\`.`;
  if (kind === 'task') return `There is already a task \`${name}\` (${where}): take another name.`;
  return `\`${name}\` is already declared (${where}): take another name.`;
}

