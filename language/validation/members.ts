// Members of what the machine hands out: that they exist. What a variable holds is not known before it runs, so its members are not looked at.
import type { AstNode } from 'langium';
import type { Call, CallStatement, Expr, Index, Member } from '../generated/ast.ts';
import { didYouMean } from '../near.ts';
import { stringValue } from '../text.ts';
import type { MemberInfo } from '../vocabulary/members.ts';
import { CALL_TYPES, GLOBALS, METHODS, OBJECTS, PAGE_FLAGS } from '../vocabulary/members.ts';
import { BUILTIN_TASK, ZONES } from '../vocabulary/settings.ts';
import type { CheckContext } from './context.ts';
import { splitTaskName } from '../declarations.ts';
import { isInStop } from './pure.ts';
import { copyProblem, timesOf } from './tasks.ts';

/** The type of an expression as the vocabulary names it; `any` when it is not known. */
export function typeOf(node: Expr | undefined, context: Pick<CheckContext, 'bindings'>): string {
  switch (node?.$type) {
    case 'NameRef': return context.bindings.meanings.get(node)?.kind === 'machine' ? (GLOBALS[node.name]?.type ?? 'any') : 'any';
    case 'Member': return memberType(typeOf(node.object, context), node.member);
    case 'Index': return itemType(typeOf(node.object, context));
    case 'Call': return callType(node, context);
    default: return 'any';
  }
}

function callType({ callee }: Call, context: Pick<CheckContext, 'bindings'>): string {
  if (callee.$type === 'Member') return METHODS[typeOf(callee.object, context)]?.[callee.member]?.type ?? 'any';
  return callee.$type === 'NameRef' && context.bindings.meanings.get(callee)?.kind === 'function' ? (CALL_TYPES[callee.name] ?? 'any') : 'any';
}

export function memberType(type: string, member: string): string {
  if (type.endsWith('{}')) return type.slice(0, -2);
  return membersOf(type)?.[member]?.type ?? 'any';
}

/** What the vocabulary says about a member; undefined when its object is not known. */
export function memberInfo(node: Member, context: Pick<CheckContext, 'bindings'>): MemberInfo | undefined {
  return membersOf(typeOf(node.object, context))?.[node.member];
}

export function checkMember(node: Member, context: CheckContext): void {
  if (node.member === undefined || mayBeLocal(node)) return;
  const type = typeOf(node.object, context);
  const problem = type.endsWith('{}') ? collectionProblem(node.member, type, context) : memberProblem(node, type);
  if (problem !== undefined) context.error(node, problem, 'member');
}

export function checkIndex(node: Index, context: CheckContext): void {
  if (mayBeLocal(node)) return;
  const type = typeOf(node.object, context);
  if (type.endsWith('{}') && node.index?.$type === 'StringLiteral') {
    const problem = collectionProblem(stringValue(node.index.text), type, context);
    if (problem !== undefined) context.error(node.index, problem);
  }
  if (type.endsWith('[]') && node.index?.$type === 'StringLiteral') context.error(node.index, 'This is a list: its items have numbers, from 0.');
  if (membersOf(type) !== undefined) context.error(node, `This has members, not items: write \`.${Object.keys(membersOf(type)!)[0]}\` or another of its members.`, 'index');
}

/** Names of the machine that kernel functions give to their own parameters and locals, which win in `when` and log texts. */
const NAMES_OF_LOCALS: ReadonlySet<string> = new Set(['zones', 'nodes', 'files', 'disks', 'writeback', 'events']);

function mayBeLocal(node: Member | Index): boolean {
  let root: Expr = node;
  while (root.$type === 'Member' || root.$type === 'Index') root = root.object;
  return root.$type === 'NameRef' && NAMES_OF_LOCALS.has(root.name) && isInStop(root);
}

/** A call of a member: few objects have any. What an object is may be known only when the scenario runs. */
export function checkMemberCall(node: Call | CallStatement, context: CheckContext): void {
  if (node.callee?.$type !== 'Member') return;
  const { member } = node.callee;
  const type = typeOf(node.callee.object, context);
  const method = type === 'any' ? Object.values(METHODS).find((methods) => Object.hasOwn(methods, member))?.[member] : METHODS[type]?.[member];
  if (method === undefined) {
    if (type === 'any' || memberType(type, member) !== 'any') context.error(node.callee, `\`${member}\` is no function: of all members only a page's \`flag("PG_…")\` and a task's \`pte(addr)\`, \`page_of(addr)\` and \`vma_of(addr)\` are called.`, 'member');
    return;
  }
  if (member === 'flag') return checkFlag(node, context);
  if (node.args.length !== 1 || node.args[0]!.name !== undefined) context.error(node.callee, `\`${member}\` takes one address: \`${method.example}\`.`, 'member');
}

function checkFlag(node: Call | CallStatement, context: CheckContext): void {
  const [arg, ...others] = node.args;
  if (arg === undefined || others.length > 0 || arg.name !== undefined) return context.error(node.callee, '`flag` takes the name of one page flag: `flag("PG_dirty")`.', 'member');
  if (arg.value?.$type !== 'StringLiteral') return;
  const name = stringValue(arg.value.text);
  if (!PAGE_FLAGS.includes(name)) context.error(arg, `There is no page flag \`${name}\`.${didYouMean(name, PAGE_FLAGS) || ` Known are: ${PAGE_FLAGS.join(', ')}.`}`);
}

function itemType(type: string): string {
  return type.endsWith('[]') || type.endsWith('{}') ? type.slice(0, -2) : 'any';
}

function membersOf(type: string): (typeof OBJECTS)[string] | undefined {
  return Object.hasOwn(OBJECTS, type) ? OBJECTS[type] : undefined;
}

function memberProblem(node: Member, type: string): string | undefined {
  const members = membersOf(type);
  if (type.endsWith('[]')) return `This is a list: take one of its items, as in \`[0].${node.member}\`.`;
  if (type === 'number' || type === 'string') return `A ${type} has no members.`;
  if (members === undefined) return undefined;
  if (!Object.hasOwn(members, node.member)) return `There is no \`${node.member}\` in ${nameOf(node.object)}.${didYouMean(node.member, Object.keys(members)) || knownMembers(members)}`;
  const isCalled = (node.$container as AstNode | undefined)?.$type.startsWith('Call') === true && node.$containerProperty === 'callee';
  return members[node.member]!.type === 'function' && !isCalled ? `\`${node.member}\` is called: \`${METHODS[type]![node.member]!.example}\`.` : undefined;
}

function knownMembers(members: object): string {
  const names = Object.keys(members);
  return names.length > 16 ? '' : ` Known are: ${names.join(', ')}.`;
}

function nameOf(node: Expr): string {
  return node.$cstNode === undefined ? 'this' : `\`${node.$cstNode.text.replace(/\s+/g, ' ')}\``;
}

/** What is wrong with a name in a collection whose names are known: zones, tasks, swap areas. */
function collectionProblem(name: string, type: string, context: CheckContext): string | undefined {
  if (type === 'zone{}') return zoneProblem(name, context);
  if (type === 'process{}') return taskProblem(name, context);
  if (type === 'disk{}') return context.facts.disks.includes(name) ? undefined : `The machine has no disk \`${name}\`.${didYouMean(name, context.facts.disks) || ` Its disks: ${context.facts.disks.join(', ') || 'none'}.`}`;
  if (type === 'swap{}') return context.facts.swaps.includes(name) ? undefined : `The machine has no swap area \`${name}\`.${didYouMean(name, context.facts.swaps) || ` Its swap areas: ${context.facts.swaps.join(', ') || 'none'}.`}`;
  return undefined;
}

function zoneProblem(name: string, context: CheckContext): string | undefined {
  const zones = ZONES[context.arch];
  return zones.includes(name) ? undefined : `${context.arch} has no zone \`${name}\`: its zones are ${zones.join(', ')}.${didYouMean(name, zones)}`;
}

/** Of several forks of a name `child` is the latest, and `child (pid 3)` an earlier one. */
function taskProblem(text: string, context: CheckContext): string | undefined {
  if (BUILTIN_TASK.test(text)) return undefined;
  const { name, copy } = splitTaskName(text.replace(/ \(pid \d+\)$/, ''));
  const task = context.bindings.tasks.get(name)?.[0]?.node;
  if (task === undefined) return `There is no task \`${text}\`.${didYouMean(text, context.bindings.tasks.keys())}`;
  if (copy !== null) return copyProblem(name, copy, task, context);
  const times = timesOf(task, context);
  return times === undefined ? undefined : `\`${name}\` has ${times} copies: write \`processes["${name}.0"]\` and so on.`;
}
