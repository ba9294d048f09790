// Which tasks a name in `wait` or `after` means.
import { signedValue } from '../constant-value.ts';
import { splitTaskName } from '../declarations.ts';
import type { Process } from '../generated/ast.ts';
import type { Compilation } from './compilation.ts';

/** Names of tasks that the scenario declares, each copy by its own, and names of `fork`s. The check has found that they are there. */
export function namesOfTask(compilation: Compilation, text: string): { tasks: string[]; forks: string[] } {
  const { name, copy } = splitTaskName(text);
  const node = compilation.bindings.tasks.get(name)?.[0]?.node;
  if (node === undefined || node.$type === 'Fork') return { tasks: [], forks: [name] };
  if (copy !== null || node.$type === 'Kernel') return { tasks: [text], forks: [] };
  return { tasks: namesOfCopies(compilation, node), forks: [] };
}

/** `hog`, or `hog.0`, `hog.1` … where it has `times`. */
export function namesOfCopies(compilation: Compilation, { name, options }: Process): string[] {
  const option = options.find((candidate) => candidate.$type === 'ValueOption' && candidate.key === 'times');
  if (option?.$type !== 'ValueOption') return [name];
  const times = Number(signedValue(option.value, compilation) ?? 1);
  return Array.from({ length: times }, (_, i) => `${name}.${i}`);
}
