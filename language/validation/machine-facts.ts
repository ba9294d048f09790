// What other checks need to know of the machine: its architecture, CPUs, disks, files, swap areas.
import type { Bindings } from '../bindings.ts';
import { signedValue } from '../constant-value.ts';
import type { Machine, Setting } from '../generated/ast.ts';
import { stringValue } from '../text.ts';
import { ZONES } from '../vocabulary/settings.ts';
import type { ArchName } from '../vocabulary/settings.ts';

export interface MachineFacts {
  arch: ArchName;
  cpus: number;
  disks: string[];
  /** Paths of the files that are there from the start. */
  files: string[];
  swaps: string[];
}

export function machineFacts(machine: Machine | undefined, bindings: Bindings): MachineFacts {
  const settings = machine?.settings ?? [];
  const arch = archOf(settings);
  const cpus = settings.find((setting) => setting.$type === 'CpusSetting');
  const count = signedValue(cpus?.count, { bindings, arch });
  return { arch, cpus: typeof count === 'number' ? count : 1, disks: namesOf(settings, 'DiskSetting'), files: pathsOf(settings), swaps: namesOf(settings, 'SwapSetting') };
}

export function isArch(name: string): name is ArchName {
  return Object.hasOwn(ZONES, name);
}

function archOf(settings: readonly Setting[]): ArchName {
  const name = settings.find((setting) => setting.$type === 'ArchSetting')?.arch;
  return name !== undefined && isArch(name) ? name : 'i386';
}

function pathsOf(settings: readonly Setting[]): string[] {
  return settings.flatMap((setting) => (setting.$type === 'FileSetting' && setting.path !== undefined ? [stringValue(setting.path)] : []));
}

function namesOf(settings: readonly Setting[], type: 'DiskSetting' | 'SwapSetting'): string[] {
  return settings.flatMap((setting) => (setting.$type === type ? [setting.name] : []));
}
