/** Names of tasks, each only once: of several forks of one name the latest has it, the others have their pid added. */
import type { Kernel, task_struct } from '../../engine/index.ts';

/** Every task but the idle ones. */
export function tasksOf(k: Kernel): task_struct[] {
  return k.tasks.filter((task) => task.kind !== 'idle');
}

/** `child`, or `child (pid 3)` for an earlier one. */
export function uniqueName(k: Kernel, task: task_struct): string {
  return k.tasks.filter(({ name }) => name === task.name).at(-1) === task ? task.name : `${task.name} (pid ${task.pid})`;
}

/** The names of all tasks. */
export function uniqueNames(k: Kernel): string[] {
  const latest = new Map(k.tasks.map((task) => [task.name, task]));
  return tasksOf(k).map((task) => (latest.get(task.name) === task ? task.name : `${task.name} (pid ${task.pid})`));
}

/** The task of such a name. */
export function taskNamed(k: Kernel, text: string): task_struct | undefined {
  const [, name = text, pid = ''] = /^(.*) \(pid (\d+)\)$/.exec(text) ?? [];
  return tasksOf(k).filter((one) => one.name === name && (pid === '' || one.pid === Number(pid))).at(-1);
}

/** As an expression writes it: `processes.hog`, `processes["hog.0"]`. */
export function writtenName(k: Kernel, task: task_struct): string {
  const name = uniqueName(k, task);
  return /^[A-Za-z_]\w*$/.test(name) ? `processes.${name}` : `processes[${JSON.stringify(name)}]`;
}
