// The files of /proc, of a process's folder in it, and of a node's folder in /sys, that `--proc NAME` prints as they stand at the end of a run. Those
// of a process that has ended are as they were just before it gave up its memory.
import type { Kernel, MachineConfig, task_struct } from '../engine/index.ts';
import { PROC_FILES, PROC_PID_FILES, node_cpumap, node_distances, node_meminfo, node_numastat } from '../engine/index.ts';
import type { ProgramData } from '../language/runtime/index.ts';
import { UsageError } from './exit-status.ts';

/** Files that LANGUAGE.md names and this version has nothing to fill with. */
const NOT_MODELLED = ['swaps'];
const OF_A_PROCESS = /^(.+)\/(\w+)$/;

/** What /sys/devices/system/node/nodeN has. */
const NODE_FILES: Readonly<Record<string, (k: Kernel, nid: number) => string>> = {
  numastat: node_numastat, meminfo: node_meminfo, distance: node_distances, cpumap: node_cpumap,
};
const OF_A_NODE = new RegExp(`^node(\\d+)/(${Object.keys(NODE_FILES).join('|')})$`);

/** Refuses a name that cannot be printed on any machine. */
export function checkProcName(name: string): void {
  const known = [Object.keys(PROC_FILES), inFolder('NAME', PROC_PID_FILES), inFolder('nodeN', NODE_FILES)].flat().join(', ');
  if (Object.hasOwn(PROC_FILES, name) || OF_A_NODE.test(name) || Object.hasOwn(PROC_PID_FILES, OF_A_PROCESS.exec(name)?.[2] ?? '')) return;
  if (NOT_MODELLED.includes(name)) throw new UsageError(`--proc ${name}: /proc/${name} is not modelled yet. This version has ${known}, where NAME is that of a process.`);
  throw new UsageError(`--proc ${name}: there is no such /proc file. This version has ${known}, where NAME is that of a process.`);
}

function inFolder(folder: string, files: object): string[] {
  return Object.keys(files).map((file) => `${folder}/${file}`);
}

/** Refuses the file of a process that the scenario does not have. */
export function checkProcProcess(name: string, { config, routines }: Pick<ProgramData, 'config' | 'routines'>): void {
  const task = processIn(name);
  if (task === null) return;
  const declared = config.tasks.filter(({ kind }) => kind === 'user').map((spec) => spec.name);
  const forked = routines.flatMap(({ code }) => code.flatMap((instruction) => (instruction.op === 'fork' ? [instruction.name] : [])));
  const known = [...new Set([...declared, ...forked])];
  if (!known.includes(task)) throw new UsageError(`--proc ${name}: the scenario has no process ${task}. ${known.length === 0 ? 'It has none at all.' : `It has ${listed(known)}.`}`);
}

/** The name of the process whose file is meant, or null. */
function processIn(name: string): string | null {
  return Object.hasOwn(PROC_FILES, name) || OF_A_NODE.test(name) ? null : (OF_A_PROCESS.exec(name)?.[1] ?? null);
}

function listed(names: readonly string[]): string {
  return names.length <= MOST_NAMED ? names.join(', ') : `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`;
}

/** Processes that a message names. */
const MOST_NAMED = 12;

/** Refuses the file of a node that the machine does not have. */
export function checkProcNode(name: string, { zones }: Pick<MachineConfig, 'zones'>): void {
  const nodes = Math.max(1, new Set(zones.map(({ node }) => node)).size);
  const nid = OF_A_NODE.exec(name)?.[1];
  if (nid === undefined || Number(nid) < nodes) return;
  throw new UsageError(`--proc ${name}: this machine has ${nodes === 1 ? 'node 0 only' : `nodes 0 to ${nodes - 1}`}.`);
}

/** Where Linux has the file. */
export function procPath(name: string): string {
  return OF_A_NODE.test(name) ? `/sys/devices/system/node/${name}` : `/proc/${name}`;
}

/** The file's text. */
export function procText(k: Kernel, name: string): string {
  const [, nid, file] = OF_A_NODE.exec(name) ?? [];
  if (file !== undefined) return NODE_FILES[file]!(k, Number(nid));
  const process = processIn(name);
  if (process === null) return PROC_FILES[name]!(k);
  const task = latestTask(k, process);
  return task === undefined ? `(no process ${process} was forked)\n` : PROC_PID_FILES[name.slice(process.length + 1)]!(k, task);
}

function latestTask(k: Kernel, name: string): task_struct | undefined {
  return k.tasks.filter((task) => task.name === name && task.kind === 'user').at(-1);
}
