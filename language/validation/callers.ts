// Who runs a piece of code: a process, a kernel thread or the boot block, and through which `def`s.
import { AstUtils } from 'langium';
import type { AstNode } from 'langium';
import { isNameRef } from '../generated/ast.ts';
import type { Boot, Def, Kernel, NameRef, Process } from '../generated/ast.ts';
import type { Bindings } from '../bindings.ts';
import type { ParsedSource } from '../parse.ts';
import type { Context } from '../vocabulary/calls.ts';

/** A reason for a piece of code to be run. */
export interface Runner {
  context: Context;
  /** How a message calls it: ``the kernel thread `driver` ``. */
  description: string;
}

export type Callers = ReadonlyMap<AstNode, readonly Runner[]>;

type Body = Process | Kernel | Boot;

/** For each `def`, who runs it; one runner of each context is enough. A `def` that nobody calls has none. */
export function callersOf(sources: readonly ParsedSource[], bindings: Bindings): Callers {
  const callers = new Map<AstNode, Runner[]>();
  for (const decl of sources[0]?.scenario.decls ?? []) {
    if (decl.$type !== 'Process' && decl.$type !== 'Kernel' && decl.$type !== 'Boot') continue;
    reach(decl, runnerOf(decl), callers, bindings);
  }
  return callers;
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
  return AstUtils.streamAllContents(from)
    .filter(isNameRef)
    .toArray()
    .flatMap((name: NameRef) => {
      const meaning = bindings.meanings.get(name);
      return meaning?.kind === 'def' ? [meaning.node] : [];
    });
}

function runnerOf(body: Body): Runner {
  if (body.$type === 'Process') return { context: 'process', description: `the process \`${body.name}\`` };
  if (body.$type === 'Kernel') return { context: 'kernel', description: `the kernel thread \`${body.name}\`` };
  return { context: 'boot', description: 'the `boot` block' };
}
