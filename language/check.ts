// A text, read and checked: what the compiler, the command line and the language server start from.
import { bindScenario } from './bindings.ts';
import type { Bindings } from './bindings.ts';
import { loadScenario } from './load.ts';
import type { LoadedScenario, ReadFile } from './load.ts';
import { validateScenario } from './pagewalk-validator.ts';
import type { FileRole } from './pagewalk-validator.ts';
import { hasErrors, sortProblems } from './problem.ts';
import type { Problem } from './problem.ts';

export interface CheckedScenario extends LoadedScenario {
  /** What every name means. */
  bindings: Bindings;
  /** All problems in order. Files that cannot be read are not checked further: what follows from a slip of the pen is no news. */
  problems: Problem[];
}

export interface CheckOptions {
  /** Gives the texts of imported files. */
  read?: ReadFile;
  /** `library`: a file of `def`s and `const`s alone needs no machine. `scenario` unless said. */
  role?: FileRole;
}

/** Reads and checks a scenario. `file` is the path that its problems name, and that its imports start from. Never throws. */
export function checkScenario(text: string, file: string, { read, role = 'scenario' }: CheckOptions = {}): CheckedScenario {
  const loaded = loadScenario(text, file, read);
  const bindings = bindScenario(loaded);
  const problems = hasErrors(loaded.problems) ? loaded.problems : [...loaded.problems, ...validateScenario(loaded, bindings, role)];
  return { ...loaded, bindings, problems: sortProblems(problems) };
}
