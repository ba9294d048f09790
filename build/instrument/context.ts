// What the instrumenter knows while it rewrites one file and one function, and how it makes places.
import * as t from '@babel/types';
import { look, number, stop } from './nodes.ts';
import type { Positions, Span } from './positions.ts';
import type { ComesBack } from './syntax.ts';
import type { FrameKind, FunctionInfo, Place, Tables } from './tables.ts';

/** A variable as a place sees it: the name in the source, the name in the code (a renamed one differs), its slot in the frame. */
export interface Variable {
  shown: string;
  name: string;
  slot: number;
}

/** The variables in scope, by the name in the source, in order of declaration. */
export type Scope = Map<string, Variable>;

export interface FileContext {
  /** Index into `tables.files`. */
  file: number;
  path: string;
  tables: Tables;
  positions: Positions;
  comesBack: ComesBack;
  /** What a nested function may read of the functions around it, at the place it stands. */
  around: Map<t.Function, Scope>;
}

export interface FunctionContext {
  file: FileContext;
  info: FunctionInfo;
  frame: FrameKind;
  /** What the entry's test is called with. */
  parameters: t.Expression[];
  /** Generators: the code names of locals that are declared at the function's top. */
  hoisted: Set<string>;
  /** Generators: for each local its code name → its name in the source. */
  shown: Map<string, string>;
  /** By slot, the code names of what a thunk returns. */
  thunk: string[];
  /** Variables that other functions share: a call may change them. */
  shared: Set<string>;
  /** `__b + size` occurs before the size is known; these literals are set at the end. */
  sizes: t.NumericLiteral[];
  /** The `try … finally` whose blocks the statement stands in, outermost first: each a variable that says a return goes through it. */
  finallies: string[];
  /** Helper variables the code needs declared. */
  helpers: Set<string>;
  /** Rewrites what stands inside a compound statement. */
  inner: Rewriter;
}

export interface Rewriter {
  /** Rewrites a list of statements; `scope` grows by what they declare. */
  list(fx: FunctionContext, statements: t.Statement[], scope: Scope): t.Statement[];
  /** Rewrites a nested statement as a block with its own scope; `first`, which means the names of `scope`, goes before it. */
  block(fx: FunctionContext, node: t.Statement, scope: Scope, first?: t.Statement[]): t.BlockStatement;
}

export function problem(file: FileContext, node: t.Node, why: string): void {
  const start = node.loc?.start;
  file.tables.problems.push(`${file.path}:${start?.line ?? 0}:${(start?.column ?? -1) + 1}: ${why}`);
}

/** Brings a declared variable into scope, hiding an outer one of its name. A generator's is in scope only if it is hoisted. */
export function declare(fx: FunctionContext, scope: Scope, name: string, shown = fx.shown.get(name) ?? name): void {
  scope.delete(shown);
  if (fx.frame === 'thunk') {
    const slot = fx.thunk.indexOf(name);
    if (slot >= 0) scope.set(shown, { shown, name, slot });
    return;
  }
  const slot = fx.frame === 'mirror' ? fx.info.names.push(shown) - 1 : 0;
  scope.set(shown, { shown, name, slot });
}

function addPlace(fx: FunctionContext, span: Span, kind: Place['kind'], scope: Scope): Place {
  const { places } = fx.file.tables;
  const seen = [...scope.values()];
  const slots = seen.map((variable, i) => (fx.frame === 'none' ? i : variable.slot));
  const place: Place = { id: places.length, file: fx.file.file, ...span, fn: fx.info.id, kind, vars: seen.map((v) => v.shown), slots };
  places.push(place);
  return place;
}

export interface Hook {
  place: number;
  /** The test whether to look. */
  test: t.Expression;
  /** The call that looks. */
  call: t.Expression;
}

/** A new place with its hook; the first one of a function is its entry. */
export function addHook(fx: FunctionContext, span: Span, kind: 'statement' | 'loop', scope: Scope): Hook {
  const isEntry = fx.info.entry < 0;
  const { id } = addPlace(fx, span, isEntry ? 'entry' : kind, scope);
  if (isEntry) fx.info.entry = id;
  const values = fx.frame === 'none' ? [...scope.values()].map((variable) => variable.name) : null;
  return { place: id, test: look(id, isEntry ? fx.parameters : null), call: stop(id, values) };
}

export const hookStatement = (hook: Hook): t.Statement => t.ifStatement(hook.test, t.expressionStatement(hook.call));
export const hookExpression = (hook: Hook): t.Expression => t.logicalExpression('&&', hook.test, hook.call);

/** A literal that becomes the frame's size when all slots are known. */
export function frameSize(fx: FunctionContext): t.NumericLiteral {
  const literal = number(0);
  fx.sizes.push(literal);
  return literal;
}
