// Who runs a piece of code: a process, a kernel thread or the boot block, and through which `def`s. A `def` that nobody calls counts as run by
// somebody who may make its calls.
import { AstUtils } from 'langium';
import type { AstNode } from 'langium';
import { isFork, isNameRef } from '../generated/ast.ts';
import type { Boot, Def, Kernel, NameRef, Process } from '../generated/ast.ts';
import type { Bindings } from '../bindings.ts';
import type { ParsedSource } from '../parse.ts';
import { contextsOf } from '../vocabulary/calls.ts';
import type { Context } from '../vocabulary/calls.ts';

/** A reason for a piece of code to be run. */
export interface Runner {
  context: Context;
  /** Why a `def` runs there, as a clause: ``the kernel thread `driver` calls this `def` ``. */
  why: string;
}

export type Callers = ReadonlyMap<AstNode, readonly Runner[]>;

type Body = Process | Kernel | Boot;

/** For each `def`, who runs it; one runner of each context is enough. */
export function callersOf(sources: readonly ParsedSource[], bindings: Bindings): Callers {
  const callers = new Map<AstNode, Runner[]>();
  for (const decl of sources[0]?.scenario.decls ?? []) {
    if (decl.$type !== 'Process' && decl.$type !== 'Kernel' && decl.$type !== 'Boot') continue;
    reach(decl, runnerOf(decl), callers, bindings);
  }
  const uncalled = [...bindings.defs.values()].map(({ node }) => node).filter((node) => !callers.has(node));
  for (const def of outermostFirst(uncalled, bindings)) {
    if (callers.has(def)) continue;
    const runner = fittingRunner(def, bindings);
    callers.set(def, [runner]);
    reach(def, runner, callers, bindings);
  }
  return callers;
}

/** Those that none of the others calls, then the rest: what is left of these after the first calls itself in a circle. */
function outermostFirst(defs: readonly Def[], bindings: Bindings): Def[] {
  const called = new Set(defs.flatMap((def) => defsCalledIn(def, bindings).filter((other) => other !== def)));
  return [...defs.filter((def) => !called.has(def)), ...defs.filter((def) => called.has(def))];
}

/** Who may make all calls of a `def` and of those it calls; where nobody may, who may make the first that not everyone may. */
function fittingRunner(def: Def, bindings: Bindings): Runner {
  if (reachedFrom(def, bindings).some(forks)) return { context: 'process', why: 'the same code forks' };
  const calls = callsReachedFrom(def, bindings);
  const fits = (['kernel', 'process', 'boot'] as const).find((context) => calls.every((call) => contextsOf(call).includes(context)));
  const first = calls.find((call) => contextsOf(call).length < 3);
  return { context: fits ?? contextsOf(first!)[0]!, why: first === undefined ? '' : `the same code calls \`${first}\`` };
}

/** Names of the built-in functions. */
function callsReachedFrom(def: Def, bindings: Bindings): string[] {
  return reachedFrom(def, bindings).flatMap((one) => namesIn(one).filter((name) => bindings.meanings.get(name)?.kind === 'function').map(({ name }) => name));
}

/** The `def`, those it calls, and so on. */
function reachedFrom(def: Def, bindings: Bindings): Def[] {
  const reached = new Set([def]);
  for (const one of reached) for (const called of defsCalledIn(one, bindings)) reached.add(called);
  return [...reached];
}

function forks(def: Def): boolean {
  return AstUtils.streamAllContents(def).some(isFork);
}

/** Who runs the code that a node stands in. */
export function runnersOf(node: AstNode, callers: Callers): readonly Runner[] {
  for (let at: AstNode | undefined = node; at !== undefined; at = at.$container) {
    if (at.$type === 'Process' || at.$type === 'Kernel' || at.$type === 'Boot') return [runnerOf(at as Body)];
    if (at.$type === 'Def') return callers.get(at) ?? [];
  }
  return [];
}

function reach(from: Body | Def, runner: Runner, callers: Map<AstNode, Runner[]>, bindings: Bindings): void {
  for (const called of defsCalledIn(from, bindings)) {
    const runners = callers.get(called) ?? [];
    if (runners.some((known) => known.context === runner.context)) continue;
    callers.set(called, [...runners, runner]);
    reach(called, runner, callers, bindings);
  }
}

function defsCalledIn(from: AstNode, bindings: Bindings): Def[] {
  return namesIn(from).flatMap((name) => {
    const meaning = bindings.meanings.get(name);
    return meaning?.kind === 'def' ? [meaning.node] : [];
  });
}

function namesIn(from: AstNode): NameRef[] {
  return AstUtils.streamAllContents(from).filter(isNameRef).toArray();
}

function runnerOf(body: Body): Runner {
  if (body.$type === 'Process') return { context: 'process', why: `the process \`${body.name}\` calls this \`def\`` };
  if (body.$type === 'Kernel') return { context: 'kernel', why: `the kernel thread \`${body.name}\` calls this \`def\`` };
  return { context: 'boot', why: 'the `boot` block calls this `def`' };
}
