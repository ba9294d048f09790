// Tiny programs for tests: a task is a generator that calls the engine, and its words are what it did. What a task forks is a body by name: the name
// is the child's position.

import type { Kernel } from '../../engine/kernel.ts';
import type { Coroutine } from '../../engine/kernel/sched.ts';
import type { Machine, Program, RunEnd } from '../../engine/machine.ts';
import type { MachineConfig, TaskSpec } from '../../engine/config.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import { default_config } from '../../engine/config.ts';
import { boot_machine, make_machine, run_machine } from '../../engine/machine.ts';

export type Body = (k: Kernel, task: task_struct) => Coroutine;

/** A task to run, with what differs from a plain kernel task that starts at once. */
export interface TestTask extends Partial<Omit<TaskSpec, 'body'>> {
  name: string;
  run: Body;
}

/** Bodies of forked tasks, by the name that do_fork is given as the child's program. */
export type Forks = Readonly<Record<string, Body>>;

/** All tasks but the kernel's own threads: the idle task, those of the machine, those that they forked. */
export function tasksOf(k: Kernel): task_struct[] {
  return k.tasks.filter(({ daemon }) => daemon === 0);
}

/** A booted machine with these tasks. */
export function machineWith(tasks: readonly TestTask[], config: Partial<MachineConfig> = {}, forks: Forks = {}): Machine {
  const specs = tasks.map(({ run: _run, ...task }, body): TaskSpec => ({
    comm: task.name, kind: 'kernel', at: 0, after: [], cpu: null, nice: 0, uid: 0, oom_adj: 0, ...task, body,
  }));
  const full: MachineConfig = { ...default_config(), ...config, tasks: specs };
  const machine = make_machine(full, programOf(tasks, forks));
  boot_machine(machine, full);
  return machine;
}

function programOf(tasks: readonly TestTask[], forks: Forks): Program {
  return {
    start: (_k, _task, body) => body,
    run: (k, task) => (typeof task.program === 'string' ? forks[task.program]! : tasks[task.program as number]!.run)(k, task),
    boot() {
      // A test's machine boots as any other.
    },
  };
}

/** Boots and runs tasks to their end. */
export function runTasks(tasks: readonly TestTask[], config: Partial<MachineConfig> = {}, forks: Forks = {}): { k: Kernel; end: RunEnd } {
  const machine = machineWith(tasks, config, forks);
  return { k: machine.k, end: run_machine(machine) };
}
