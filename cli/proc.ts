// The files of /proc, and of a node's folder in /sys, that `--proc NAME` prints as they stand at the end of a run.
import type { Kernel, MachineConfig } from '../engine/index.ts';
import { PROC_FILES, node_cpumap, node_distances, node_meminfo, node_numastat } from '../engine/index.ts';
import { UsageError } from './exit-status.ts';

/** Files that LANGUAGE.md names and this version has nothing to fill with. */
const NOT_MODELLED = ['swaps'];
const OF_A_PROCESS = /\/(?:maps|smaps|pagemap)$/;
const OF_A_NODE = /^node(\d+)\/(\w+)$/;

/** What /sys/devices/system/node/nodeN has. */
const NODE_FILES: Readonly<Record<string, (k: Kernel, nid: number) => string>> = {
  numastat: node_numastat, meminfo: node_meminfo, distance: node_distances, cpumap: node_cpumap,
};

/** Refuses a name that cannot be printed on any machine. */
export function checkProcName(name: string): void {
  const known = `${Object.keys(PROC_FILES).join(', ')}, nodeN/${Object.keys(NODE_FILES).join(', nodeN/')}`;
  if (Object.hasOwn(PROC_FILES, name) || Object.hasOwn(NODE_FILES, OF_A_NODE.exec(name)?.[2] ?? '')) return;
  if (NOT_MODELLED.includes(name)) throw new UsageError(`--proc ${name}: /proc/${name} is not modelled yet. This version has ${known}.`);
  if (OF_A_PROCESS.test(name)) throw new UsageError(`--proc ${name}: processes are not modelled yet, so none has a /proc folder. This version has ${known}.`);
  throw new UsageError(`--proc ${name}: there is no such /proc file. This version has ${known}.`);
}

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
  return file === undefined ? PROC_FILES[name]!(k) : NODE_FILES[file]!(k, Number(nid));
}
