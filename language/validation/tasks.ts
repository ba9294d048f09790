// Processes, kernel threads, forks, and who waits for whom.
import type { AfterOption, Fork, Kernel, Option, Process, Signed, ValueOption, Wait } from '../generated/ast.ts';
import { signedValue } from '../constant-value.ts';
import { splitTaskName } from '../declarations.ts';
import { didYouMean } from '../near.ts';
import { rangeOf } from '../ranges.ts';
import { SIGNALS } from '../vocabulary/constants.ts';
import { KERNEL_OPTIONS, RANGES } from '../vocabulary/settings.ts';
import type { CheckContext } from './context.ts';
import { checkQuantity } from './quantities.ts';
import type { Quantity } from './quantities.ts';

export function checkTask(task: Process | Kernel, context: CheckContext): void {
  const seen = new Set<string>();
  for (const option of task.options ?? []) {
    if (seen.has(option.key)) context.error(option, `\`${option.key}\` is given twice: remove one.`);
    seen.add(option.key);
    if (task.$type === 'Kernel' && !(KERNEL_OPTIONS as readonly string[]).includes(option.key)) {
      context.error(option, `A \`kernel\` thread has no option \`${option.key}\`: it takes ${KERNEL_OPTIONS.join(', ')}.`, 'key');
    } else checkOption(option, task, context);
  }
}

export function checkFork(fork: Fork, context: CheckContext): void {
  if (fork.name === 'all') context.error(fork, 'A `fork` may not be named `all`: `wait all` waits for every child.', 'name');
}

export function checkWait(wait: Wait, context: CheckContext): void {
  if (wait.task === undefined || wait.task === 'all') return;
  checkTaskName(wait, wait.task, context, 'the name of a task, a `fork`, or `all`');
}

function checkOption(option: Option, task: Process | Kernel, context: CheckContext): void {
  if (option.$type === 'AfterOption') return checkAfter(option, task, context);
  if (option.key === 'dies') return checkDies(option, context);
  const quantity = quantityOf(option, context);
  if (quantity !== undefined) checkQuantity(option.value, quantity, context);
}

function quantityOf(option: ValueOption, context: CheckContext): Quantity | undefined {
  switch (option.key) {
    case 'at': return { name: '`at`', kind: 'time', min: 0 };
    case 'nice': return { name: '`nice`', kind: 'count', min: RANGES.nice[0], max: RANGES.nice[1] };
    case 'uid': return { name: '`uid`', kind: 'count', min: RANGES.uid[0], max: RANGES.uid[1] };
    case 'oom_adj': return { name: '`oom_adj`', kind: 'count', min: RANGES.oom_adj[0], max: RANGES.oom_adj[1] };
    case 'cpu': return { name: '`cpu`', kind: 'count', min: 0, max: context.facts.cpus - 1 };
    case 'rlimit_as': return { name: '`rlimit_as`', kind: 'size', min: 0 };
    case 'rlimit_stack': return { name: '`rlimit_stack`', kind: 'size', min: 0 };
    case 'times': return { name: '`times`', kind: 'count', min: RANGES.times[0], max: RANGES.times[1] };
    case 'dies': return undefined;
  }
}

function checkDies({ value }: ValueOption, context: CheckContext): void {
  if (value === undefined || (value.constant !== undefined && Object.hasOwn(SIGNALS, value.constant) && !value.negative)) return;
  const suggestion = value.constant === undefined ? '' : didYouMean(value.constant, Object.keys(SIGNALS));
  context.error(value, `\`dies\` takes the name of a signal, as in \`dies SIGSEGV\`.${suggestion}`);
}

function checkAfter(option: AfterOption, task: Process | Kernel, context: CheckContext): void {
  if (option.task === undefined) return;
  const first = context.bindings.meanings.get(option);
  if (first?.kind === 'task' && first.node === task) return context.error(option, `\`${task.name}\` cannot start after itself.`, 'task');
  checkTaskName(option, option.task, context, 'the name of a task');
  if (startsCircle(task, context)) context.error(option, `\`${task.name}\` would never start: the tasks that it starts after wait for it.`, 'task');
}

/** Whether tasks wait for each other in a circle, of which this one comes first in the file. */
function startsCircle(task: Process | Kernel, context: CheckContext): boolean {
  const circle = new Set<Process | Kernel>();
  for (let next = startsAfter(task, context); next !== undefined && !circle.has(next); next = startsAfter(next, context)) {
    circle.add(next);
    if (next === task) return [...circle].every((other) => rangeOf(task).start <= rangeOf(other).start);
  }
  return false;
}

function startsAfter(task: Process | Kernel, context: CheckContext): Process | Kernel | undefined {
  const option = task.options.find((candidate) => candidate.$type === 'AfterOption');
  const meaning = option === undefined ? undefined : context.bindings.meanings.get(option);
  return meaning?.kind === 'task' && meaning.node.$type !== 'Fork' ? meaning.node : undefined;
}

function checkTaskName(node: Wait | AfterOption, text: string, context: CheckContext, what: string): void {
  const { name, copy } = splitTaskName(text);
  const tasks = context.bindings.tasks.get(name);
  if (tasks === undefined) {
    const known = [...context.bindings.tasks.keys()];
    return context.error(node, `There is no task \`${name}\`: \`${node.$type === 'Wait' ? 'wait' : 'after'}\` takes ${what}.${didYouMean(name, known)}`, 'task');
  }
  if (copy === null) return;
  const problem = copyProblem(name, copy, tasks[0]!.node, context);
  if (problem !== undefined) context.error(node, problem, 'task');
}

/** What is wrong with the name of a copy, `hog.0`. */
export function copyProblem(name: string, copy: number, task: Process | Kernel | Fork, context: CheckContext): string | undefined {
  const times = timesOf(task, context);
  if (times === undefined) return `\`${name}\` has no copies: write \`${name}\`, or give it \`times N\`.`;
  return copy >= times ? `\`${name}\` has the copies ${name}.0 to ${name}.${times - 1}.` : undefined;
}

/** How many copies a task has; undefined when it has no option `times`. */
export function timesOf(task: Process | Kernel | Fork, context: CheckContext): number | undefined {
  const options: Option[] = task.$type === 'Fork' ? [] : task.options;
  const signed: Signed | undefined = options.find((option): option is ValueOption => option.$type === 'ValueOption' && option.key === 'times')?.value;
  const value = signedValue(signed, context.constants);
  if (signed === undefined) return undefined;
  return typeof value === 'number' ? value : Infinity;
}
