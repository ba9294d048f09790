// Generators keep their locals at the function's top, so that one thunk reads them all and a suspended call is data:
// locals that hide one another are renamed, declarations become assignments (in statements.ts). A variable that a closure in
// a loop captures is one per iteration and stays where it is.
import type { Binding, NodePath, Scope as BabelScope } from '@babel/traverse';
import * as t from '@babel/types';
import { boundNames } from './syntax.ts';

export interface Hoisting {
  /** For each local its name in the code → its name in the source, in order of declaration. */
  shown: Map<string, string>;
  /** The code names of those hoisted. */
  hoisted: Set<string>;
  /** The declared names that cannot be hoisted. */
  perIteration: { node: t.Node; shown: string }[];
}

const isOwnScope = (path: NodePath, fn: NodePath): boolean => path.scope.path === path && path.getFunctionParent() === fn;

function bindingsOf(fn: NodePath<t.Function>): Binding[] {
  const scopes: BabelScope[] = [fn.scope];
  fn.traverse({
    Function: (path) => path.skip(),
    Scope: (path) => {
      if (isOwnScope(path, fn)) scopes.push(path.scope);
    },
  });
  const isLocal = (binding: Binding): boolean => binding.path.isVariableDeclarator() || binding.path.isCatchClause();
  return scopes.flatMap((scope) => Object.values(scope.bindings)).filter(isLocal);
}

function isCapturedInLoop(binding: Binding, fn: NodePath): boolean {
  const uses = [...binding.referencePaths, ...binding.constantViolations];
  if (!uses.some((use) => use.getFunctionParent() !== fn)) return false;
  return binding.path.findParent((path) => path === fn || path.isLoop())?.isLoop() ?? false;
}

/** All names of one declaration go together: one that stays keeps the others. */
const declaration = (binding: Binding): t.Node => (binding.path.isCatchClause() ? binding.path.node : binding.path.parent);

const declaredNames = (node: t.Node): string[] => (t.isCatchClause(node) ? (node.param ? boundNames(node.param) : []) : boundNames(node));

/** Renames where the name is taken: by another local, by a parameter, or by something outside that the function may mean. */
function settleName(binding: Binding, fn: NodePath<t.Function>, taken: Set<string>): string {
  const shown = binding.identifier.name;
  const outside = fn.scope.parent;
  if (!taken.has(shown) && !outside.hasBinding(shown) && !outside.hasGlobal(shown)) return shown;
  const unique = fn.scope.generateUid(shown);
  binding.scope.rename(shown, unique);
  return unique;
}

export function planHoisting(fn: NodePath<t.Function>): Hoisting {
  const bindings = bindingsOf(fn);
  const staying = new Set(bindings.filter((binding) => isCapturedInLoop(binding, fn)).map(declaration));
  const params = new Set(fn.node.params.flatMap((param) => boundNames(param)));
  const taken = new Set(params);
  const shown = new Map<string, string>();
  const hoisted = new Set<string>();
  for (const binding of bindings) {
    const original = binding.identifier.name;
    if (binding.kind === 'var' && params.has(original)) continue;
    const name = settleName(binding, fn, taken);
    taken.add(name);
    shown.set(name, original);
    if (!staying.has(declaration(binding))) hoisted.add(name);
  }
  const perIteration = [...staying].flatMap((node) => declaredNames(node).map((name) => ({ node, shown: shown.get(name) ?? name })));
  return { shown, hoisted, perIteration };
}
