// Reads and compiles a scenario, and shows what is wrong with it: `FILE:LINE:COL: message`.
import fs from 'node:fs';
import { checkScenario, compileChecked } from '../language/index.ts';
import type { CheckOptions, Problem } from '../language/index.ts';
import type { ProgramData } from '../language/runtime/index.ts';
import { UsageError } from './exit-status.ts';
import type { Channel } from './terminal.ts';

export interface Compiled {
  /** Null when the scenario has errors. */
  program: ProgramData | null;
  problems: Problem[];
}

/** Compiles a file: a `scenario` needs a machine, a `library` of `def`s and `const`s does not. Throws UsageError when it cannot be read. */
export function compileFile(file: string, role: CheckOptions['role'] = 'scenario'): Compiled {
  return compileChecked(checkScenario(readScenario(file), file, { read: readImport, role }));
}

function readScenario(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`${file}: ${whyUnreadable(error as NodeJS.ErrnoException)}`);
  }
}

function readImport(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function whyUnreadable(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT': return 'there is no such file.';
    case 'EISDIR': return 'this is a folder: name a .pagewalk file in it.';
    case 'EACCES': return 'this file may not be read.';
    default: return error.message;
  }
}

export function showProblems(problems: readonly Problem[], err: Channel): void {
  for (const { file, line, column, severity, message } of problems) {
    const label = severity === 'warning' ? `${err.paint('yellow', 'warning:')} ` : '';
    err.write(`${err.paint('bold', `${file}:${line}:${column}:`)} ${label}${message}\n`);
  }
}

export function countErrors(problems: readonly Problem[]): number {
  return problems.filter((problem) => problem.severity === 'error').length;
}
