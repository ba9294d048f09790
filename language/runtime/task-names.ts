/** Names of tasks, each only once: of several forks of one name the latest has it, the others have their pid added. */
import type { Kernel, task_struct } from '../../engine/index.ts';

/** Every task but the idle ones, the kernel's own threads behind those of the scenario. */
export function tasksOf(k: Kernel): task_struct[] {
  const tasks = k.tasks.filter((task) => task.kind !== 'idle');
  return [...tasks.filter(({ daemon }) => daemon === 0), ...tasks.filter(({ daemon }) => daemon !== 0)];
}

/** Which of the tasks of a name has it: the scenario's before one of the kernel's own. */
function holderOf(tasks: readonly task_struct[]): task_struct | undefined {
  return tasks.filter(({ daemon }) => daemon === 0).at(-1) ?? tasks.at(-1);
}

/** `child`, or `child (pid 3)` for an earlier one. */
export function uniqueName(k: Kernel, task: task_struct): string {
  return holderOf(k.tasks.filter(({ name }) => name === task.name)) === task ? task.name : `${task.name} (pid ${task.pid})`;
}

/** The names of all tasks. */
export function uniqueNames(k: Kernel): string[] {
  const tasks = tasksOf(k);
  const holders = new Map(tasks.filter(({ daemon }) => daemon !== 0).map((task) => [task.name, task]));
  for (const task of tasks) if (task.daemon === 0) holders.set(task.name, task);
  return tasks.map((task) => (holders.get(task.name) === task ? task.name : `${task.name} (pid ${task.pid})`));
}

/** The task of such a name. */
export function taskNamed(k: Kernel, text: string): task_struct | undefined {
  const [, name = text, pid = ''] = /^(.*) \(pid (\d+)\)$/.exec(text) ?? [];
  return holderOf(tasksOf(k).filter((one) => one.name === name && (pid === '' || one.pid === Number(pid))));
}

/** As an expression writes it: `processes.hog`, `processes["hog.0"]`. */
export function writtenName(k: Kernel, task: task_struct): string {
  const name = uniqueName(k, task);
  return /^[A-Za-z_]\w*$/.test(name) ? `processes.${name}` : `processes[${JSON.stringify(name)}]`;
}
