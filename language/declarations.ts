// What a name can mean.
import type { Const, Def, Fork, Kernel, Let, Param, Process } from './generated/ast.ts';
import type { ParsedSource } from './parse.ts';

/** A thing that a scenario declares. */
export type Declared =
  | { kind: 'let'; name: string; node: Let; source: ParsedSource }
  | { kind: 'parameter' | 'loop variable'; name: string; node: Param; source: ParsedSource }
  | { kind: 'const'; name: string; node: Const; source: ParsedSource }
  | { kind: 'def'; name: string; node: Def; source: ParsedSource }
  | { kind: 'task'; name: string; node: Process | Kernel | Fork; source: ParsedSource };

/** A thing that is always there: a constant (`PROT_READ`), a name of the machine (`nodes`), a function (`mmap`, `len`). */
export type Builtin = { kind: 'constant' | 'machine' | 'function'; name: string };

export type Declaration = Declared | Builtin;

export function isDeclared(declaration: Declaration | undefined): declaration is Declared {
  return declaration !== undefined && 'node' in declaration;
}

/** The name of a task with its copy's number split off: `hog.0` is copy 0 of `hog`. */
export function splitTaskName(text: string): { name: string; copy: number | null } {
  const dot = text.indexOf('.');
  return dot < 0 ? { name: text, copy: null } : { name: text.slice(0, dot), copy: Number(text.slice(dot + 1)) };
}
