// Calls: that the one who runs them may call them, and that the arguments fit.
import { AstUtils } from 'langium';
import { isCall, isCallStatement, isDef, isNameRef } from '../generated/ast.ts';
import type { Arg, Call, CallStatement, NameRef } from '../generated/ast.ts';
import { didYouMean } from '../near.ts';
import { stringValue } from '../text.ts';
import { BOOT_CALLS, contextsOf, findCall } from '../vocabulary/calls.ts';
import type { Callable, Context } from '../vocabulary/calls.ts';
import { runnersOf } from './callers.ts';
import type { Callers, Runner } from './callers.ts';
import type { CheckContext } from './context.ts';
import { sysctlNameProblem } from './sysctls.ts';

export function checkCall(node: Call | CallStatement, callers: Callers, context: CheckContext): void {
  const { callee } = node;
  if (callee === undefined) return;
  if (!isNameRef(callee)) return checkCallee(node, context);
  const meaning = context.bindings.meanings.get(callee);
  if (meaning?.kind === 'def') return checkArguments(node, { name: meaning.name, parameters: meaning.node.params.map((param) => ({ name: param.name, optional: false })), variadic: false, signature: signatureOf(meaning) }, context);
  if (meaning?.kind === 'function') checkBuiltin(node, callee, callers, context);
}

function signatureOf({ name, node }: { name: string; node: { params: { name: string }[] } }): string {
  return `${name}(${node.params.map((param) => param.name).join(', ')})`;
}

/** Only names and members are called; members are looked at with their objects. */
function checkCallee(node: Call | CallStatement, context: CheckContext): void {
  if (node.callee.$type !== 'Member') context.error(node.callee, 'Only a name or a member can be called. If a new statement begins here, put a `;` before it.');
}

function checkBuiltin(node: Call | CallStatement, callee: NameRef, callers: Callers, context: CheckContext): void {
  const runners = runnersOf(node, callers);
  const allowed = contextsOf(callee.name);
  const wrong = runners.find((runner) => !allowed.includes(runner.context));
  if (wrong !== undefined) return context.error(callee, wrongContext(callee, allowed, wrong));
  const callable = findCall(callee.name, runners[0]?.context ?? allowed[0]!);
  if (callable !== undefined) checkArguments(node, callable, context);
  if (callee.name === 'sysctl') checkSysctlName(node.args[0], context);
  if (callee.name === 'open') checkPath(node, context);
}

/** The call answers an unknown name with an errno, which may be what the scenario is after. */
function checkSysctlName(arg: Arg | undefined, context: CheckContext): void {
  if (arg?.value?.$type !== 'StringLiteral') return;
  const problem = sysctlNameProblem(stringValue(arg.value.text));
  if (problem !== undefined) context.warning(arg.value, problem);
}

/** A misspelt path: the call answers -ENOENT, which may be what the scenario is after, so only what is near a file of the machine is told. */
function checkPath(node: Call | CallStatement, context: CheckContext): void {
  const [arg] = node.args;
  if (arg?.value?.$type !== 'StringLiteral') return;
  const path = stringValue(arg.value.text);
  const near = didYouMean(path, context.facts.files);
  if (path !== '' && !path.startsWith('/')) context.warning(arg.value, `A path begins with \`/\`: there is no file \`${path}\`, and this answers -ENOENT.`);
  else if (near !== '' && !context.facts.files.includes(path) && !isMade(path, context)) context.warning(arg.value, `The machine has no file \`${path}\`: this answers -ENOENT.${near}`);
}

/** Whether some call in the file opens a path with flags: that one may make the file. */
function isMade(path: string, { source }: CheckContext): boolean {
  return AstUtils.streamAllContents(source.scenario).some((other) => {
    if ((!isCall(other) && !isCallStatement(other)) || other.callee?.$type !== 'NameRef' || other.callee.name !== 'open') return false;
    const [first] = other.args;
    return other.args.length > 1 && (first?.value?.$type !== 'StringLiteral' || stringValue(first.value.text) === path);
  });
}

function wrongContext(callee: NameRef, allowed: readonly Context[], runner: Runner): string {
  const where = AstUtils.getContainerOfType(callee, isDef) === undefined ? '' : `, and ${runner.why}`;
  return `\`${callee.name}\` ${reason(allowed, runner.context)}${where}.`;
}

function reason(allowed: readonly Context[], context: Context): string {
  if (context === 'boot') return `cannot be called before the page allocator exists: \`boot\` may call ${Object.keys(BOOT_CALLS).join(', ')}`;
  if (allowed.every((one) => one === 'boot')) return 'can be called in `boot { }` only';
  return context === 'process' ? 'is a function inside the kernel: only a `kernel` thread may call it' : 'is a system call: only a `process` may make it';
}

interface Signature {
  name: string;
  parameters: readonly { name: string; optional: boolean }[];
  variadic: boolean;
  signature: string;
}

function checkArguments(node: Call | CallStatement, callable: Signature | Callable, context: CheckContext): void {
  const args = node.args ?? [];
  const { parameters, variadic, signature } = callable;
  const positional = args.filter((arg) => arg.name === undefined);
  if (hasNamedBeforePositional(args, context)) return;
  if (!variadic && positional.length > parameters.length) {
    return context.error(positional[parameters.length]!, `\`${callable.name}\` takes ${count(parameters.length)}, not ${args.length}: \`${signature}\`.`);
  }
  const given = new Set(parameters.slice(0, positional.length).map((parameter) => parameter.name));
  const areNamesRight = args.filter((arg) => arg.name !== undefined).map((arg) => checkNamed(arg, callable, given, context)).every(Boolean);
  const missing = parameters.filter((parameter) => !parameter.optional && !given.has(parameter.name)).map((parameter) => `\`${parameter.name}\``);
  if (missing.length > 0 && areNamesRight) context.error(node.callee, `\`${callable.name}\` needs ${missing.join(' and ')}: \`${signature}\`.`);
}

function hasNamedBeforePositional(args: readonly Arg[], context: CheckContext): boolean {
  const firstNamed = args.findIndex((arg) => arg.name !== undefined);
  const late = firstNamed < 0 ? undefined : args.slice(firstNamed).find((arg) => arg.name === undefined);
  if (late !== undefined) context.error(late, 'Positional arguments stand before named ones: give this one a name too, or move it forward.');
  return late !== undefined;
}

function checkNamed(arg: Arg, callable: Signature, given: Set<string>, context: CheckContext): boolean {
  const name = arg.name!;
  const names = callable.parameters.map((parameter) => parameter.name);
  if (!names.includes(name)) {
    context.error(arg, `\`${callable.name}\` has no parameter \`${name}\`: \`${callable.signature}\`.${didYouMean(name, names)}`, 'name');
    return false;
  }
  if (given.has(name)) context.error(arg, `\`${name}\` is given twice.`, 'name');
  given.add(name);
  return true;
}

function count(parameters: number): string {
  return parameters === 0 ? 'no arguments' : parameters === 1 ? '1 argument' : `${parameters} arguments`;
}
