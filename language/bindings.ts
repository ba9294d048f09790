// Finds out what every name of a scenario means: one walk over each file, with the scopes that the language has.
//
// - Variables (`let`, parameters, loop variables) are known from their declaration to the end of their block, in inner blocks and in `fork`s too;
//   an inner one hides an outer one of the same name. A `def` sees none of its caller's.
// - `const`s, `def`s and tasks are known everywhere, also before their declaration, and those of imported files.
// - Functions and values are kept apart: a variable `free` does not hide the function `free`.
import { AstUtils } from 'langium';
import type { AstNode } from 'langium';
import { isCall, isCallStatement, isFork, isNameRef } from './generated/ast.ts';
import type { AfterOption, Call, CallStatement, Def, For, Fork, Kernel, Let, NameRef, Process, Repeat, Signed, Stop, Wait } from './generated/ast.ts';
import { splitTaskName } from './declarations.ts';
import type { Declaration, Declared } from './declarations.ts';
import type { LoadedScenario } from './load.ts';
import type { ParsedSource } from './parse.ts';
import { rangeOf, rangeOfProperty } from './ranges.ts';
import { Scope } from './scope.ts';
import type { Range } from './source.ts';
import { parseLogText } from './text.ts';
import type { LogText } from './text.ts';
import { callNames } from './vocabulary/calls.ts';
import { CONSTANTS } from './vocabulary/constants.ts';
import { GLOBALS } from './vocabulary/members.ts';

/** A node that uses a name: a variable, constant or function, the constant of a setting, the task of `wait` or `after`. */
export type Use = NameRef | Signed | Wait | AfterOption;

export interface Occurrence {
  meaning: Declaration;
  source: ParsedSource;
  /** The name alone. */
  range: Range;
}

export interface Bindings {
  /** What each use means; a use of an unknown name is not in it. */
  meanings: Map<Use, Declaration>;
  /** Every use of a known name with its place: in a log text, and without the number of a copy, too. */
  occurrences: Occurrence[];
  /** The variables that an unknown name could have meant, for suggestions. */
  visible: Map<Use, string[]>;
  consts: Map<string, Declared & { kind: 'const' }>;
  defs: Map<string, Declared & { kind: 'def' }>;
  /** Tasks by name. Several `fork`s may share a name. */
  tasks: Map<string, (Declared & { kind: 'task' })[]>;
  /** Second declarations of a name that is taken. */
  duplicates: { declared: Declared; first: Declared }[];
  /** The log texts of `stop on`, taken apart. */
  logs: Map<Stop, LogText>;
}

export function bindScenario(loaded: LoadedScenario): Bindings {
  const bindings: Bindings = {
    meanings: new Map(), occurrences: [], visible: new Map(), consts: new Map(), defs: new Map(), tasks: new Map(), duplicates: [], logs: new Map(),
  };
  for (const [i, source] of loaded.sources.entries()) declareGlobals(source, i === 0 ? 'scenario' : 'import', bindings);
  for (const source of loaded.sources) new Binder(source, bindings).bind(source.scenario, new Scope());
  return bindings;
}

/** What a use of the name of a variable or constant means outside of all blocks. */
export function globalMeaning(name: string, bindings: Bindings): Declaration | undefined {
  const declared = bindings.consts.get(name);
  if (declared !== undefined) return declared;
  if (Object.hasOwn(CONSTANTS, name)) return { kind: 'constant', name };
  return Object.hasOwn(GLOBALS, name) ? { kind: 'machine', name } : undefined;
}

/** What a called name means. */
export function functionMeaning(name: string, bindings: Bindings): Declaration | undefined {
  return bindings.defs.get(name) ?? (FUNCTION_NAMES.has(name) ? { kind: 'function', name } : undefined);
}

const FUNCTION_NAMES: ReadonlySet<string> = new Set(callNames());

/** Of an imported file only the `def`s and `const`s count; its tasks do not run. */
function declareGlobals(source: ParsedSource, role: 'scenario' | 'import', bindings: Bindings): void {
  for (const node of source.scenario.decls ?? []) {
    if (node.$type === 'Const' && node.name !== undefined) declareOnce({ kind: 'const', name: node.name, node, source }, bindings);
    if (node.$type === 'Def' && node.name !== undefined) declareOnce({ kind: 'def', name: node.name, node, source }, bindings);
    if (role === 'scenario' && (node.$type === 'Process' || node.$type === 'Kernel')) declareTask(node, source, bindings);
  }
  for (const decl of source.scenario.decls ?? []) {
    if (role === 'import' && decl.$type !== 'Def') continue;
    for (const node of AstUtils.streamAllContents(decl)) if (isFork(node)) declareTask(node, source, bindings);
  }
}

function declareOnce(declared: Declared & { kind: 'const' | 'def' }, bindings: Bindings): void {
  const first = bindings.consts.get(declared.name) ?? bindings.defs.get(declared.name);
  if (first !== undefined) bindings.duplicates.push({ declared, first });
  else if (declared.kind === 'const') bindings.consts.set(declared.name, declared);
  else bindings.defs.set(declared.name, declared);
}

function declareTask(node: Process | Kernel | Fork, source: ParsedSource, bindings: Bindings): void {
  if (node.name === undefined) return;
  const declared = { kind: 'task', name: node.name, node, source } as const;
  const others = bindings.tasks.get(node.name) ?? [];
  const first = others.find((other) => other.node.$type !== 'Fork');
  if (first !== undefined) bindings.duplicates.push({ declared, first });
  bindings.tasks.set(node.name, [...others, declared]);
}

class Binder {
  private readonly source: ParsedSource;
  private readonly bindings: Bindings;
  /** Where the offsets of the tree are in the file; a log text's expressions have offsets of their own. */
  private readonly toSource: (range: Range) => Range;

  constructor(source: ParsedSource, bindings: Bindings, toSource: (range: Range) => Range = (range) => range) {
    this.source = source;
    this.bindings = bindings;
    this.toSource = toSource;
  }

  bind(node: AstNode, scope: Scope): void {
    switch (node.$type) {
      case 'Block': return this.bindChildren(node, new Scope(scope));
      case 'Let': return this.bindLet(node as Let, scope);
      case 'Def': return this.bindDef(node as Def, scope);
      case 'For': return this.bindFor(node as For, scope);
      case 'Repeat': return this.bindRepeat(node as Repeat, scope);
      case 'Call': case 'CallStatement': return this.bindCall(node as Call | CallStatement, scope);
      case 'NameRef': return this.bindName(node as NameRef, scope);
      case 'Signed': return this.bindSigned(node as Signed);
      case 'Wait': case 'AfterOption': return this.bindTaskName(node as Wait | AfterOption);
      case 'Stop': return this.bindStop(node as Stop, scope);
      default: return this.bindChildren(node, scope);
    }
  }

  private bindChildren(node: AstNode, scope: Scope): void {
    for (const child of AstUtils.streamContents(node)) this.bind(child, scope);
  }

  /** The value of `let x = x` means an outer `x`. */
  private bindLet(node: Let, scope: Scope): void {
    this.bindChildren(node, scope);
    this.declare({ kind: 'let', name: node.name, node, source: this.source }, scope);
  }

  private bindDef(node: Def, scope: Scope): void {
    const inner = new Scope(scope);
    for (const param of node.params ?? []) this.declare({ kind: 'parameter', name: param.name, node: param, source: this.source }, inner);
    if (node.body !== undefined) this.bind(node.body, inner);
  }

  private bindFor(node: For, scope: Scope): void {
    const inner = new Scope(scope);
    for (const part of [node.range, node.step]) if (part !== undefined) this.bind(part, scope);
    if (node.variable !== undefined) this.declare({ kind: 'loop variable', name: node.variable.name, node: node.variable, source: this.source }, inner);
    if (node.body !== undefined) this.bind(node.body, inner);
  }

  private bindRepeat(node: Repeat, scope: Scope): void {
    const inner = new Scope(scope);
    if (node.count !== undefined) this.bind(node.count, scope);
    if (node.variable !== undefined) this.declare({ kind: 'loop variable', name: node.variable.name, node: node.variable, source: this.source }, inner);
    if (node.body !== undefined) this.bind(node.body, inner);
  }

  private declare(declared: Declared, scope: Scope): void {
    if (declared.name === undefined) return;
    const first = scope.declare(declared);
    if (first !== undefined) this.bindings.duplicates.push({ declared, first });
  }

  private bindCall(node: Call | CallStatement, scope: Scope): void {
    if (isNameRef(node.callee)) this.record(node.callee, functionMeaning(node.callee.name, this.bindings), scope);
    else if (node.callee !== undefined) this.bind(node.callee, scope);
    for (const arg of node.args ?? []) if (arg.value !== undefined) this.bind(arg.value, scope);
  }

  private bindName(node: NameRef, scope: Scope): void {
    this.record(node, scope.find(node.name) ?? globalMeaning(node.name, this.bindings), scope);
  }

  private bindSigned(node: Signed): void {
    if (node.constant === undefined) return;
    const meaning = globalMeaning(node.constant, this.bindings);
    if (meaning?.kind !== 'machine') this.record(node, meaning, new Scope());
  }

  private bindTaskName(node: Wait | AfterOption): void {
    if (node.task !== undefined) this.record(node, this.bindings.tasks.get(splitTaskName(node.task).name)?.[0], new Scope());
  }

  private bindStop(node: Stop, scope: Scope): void {
    this.bindChildren(node, scope);
    if (node.log === undefined) return;
    const log = parseLogText(node.log);
    this.bindings.logs.set(node, log);
    const { start } = rangeOfProperty(node, 'log');
    for (const part of log.parts) if (part.kind === 'expression') new Binder(this.source, this.bindings, inLog(start, part.offsets)).bind(part.expression, scope);
  }

  private record(use: Use, meaning: Declaration | undefined, scope: Scope): void {
    if (meaning === undefined) {
      this.bindings.visible.set(use, scope.names());
      return;
    }
    this.bindings.meanings.set(use, meaning);
    this.bindings.occurrences.push({ meaning, source: this.source, range: this.toSource(nameRange(use)) });
  }
}

/** Offsets of an expression in a log text whose literal starts at `start`, as offsets in the file. */
export function inLog(start: number, offsets: readonly number[]): (range: Range) => Range {
  return (range) => ({ start: start + offsets[range.start]!, end: start + offsets[range.end]! });
}

/** A sign before a constant and the number after a task's name do not belong to the name. */
function nameRange(use: Use): Range {
  if (use.$type === 'NameRef') return rangeOf(use);
  if (use.$type === 'Signed') return rangeOfProperty(use, 'constant');
  const { start } = rangeOfProperty(use, 'task');
  return { start, end: start + splitTaskName(use.task).name.length };
}

/** Whether a name stands as what is called. */
export function isCallee(node: NameRef): boolean {
  const parent = node.$container as AstNode | undefined;
  return parent !== undefined && (isCall(parent) || isCallStatement(parent)) && node.$containerProperty === 'callee';
}

/** All names of values that stand outside of blocks. */
export function globalNames(bindings: Bindings): string[] {
  return [...bindings.consts.keys(), ...Object.keys(GLOBALS), ...Object.keys(CONSTANTS)];
}

/** All names that can be called. */
export function functionNames(bindings: Bindings): string[] {
  return [...bindings.defs.keys(), ...FUNCTION_NAMES];
}

