// `pagewalk check FILE…`: what is wrong with scenarios, and with files that they import, without running them.
import { count } from '../language/runtime/index.ts';
import type { ExitStatus } from './exit-status.ts';
import { EXIT } from './exit-status.ts';
import { compileFile, countErrors, showProblems } from './scenario-file.ts';
import type { Terminal } from './terminal.ts';

export function check(files: readonly string[], terminal: Terminal): ExitStatus {
  const problems = files.flatMap((file) => compileFile(file, 'library').problems);
  showProblems(problems, terminal.err);
  const errors = countErrors(problems);
  const warnings = problems.length - errors;
  const found = [errors > 0 ? count(errors, 'error') : '', warnings > 0 ? count(warnings, 'warning') : ''].filter((text) => text !== '');
  terminal.out.write(`${count(files.length, 'file')} checked: ${found.length === 0 ? 'nothing is wrong' : found.join(', ')}\n`);
  return errors === 0 ? EXIT.ok : EXIT.wrong;
}
