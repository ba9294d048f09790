// What the language has and this version of the machine has not: the one table that later versions shrink. Each use is an error at its place.
import { NAMES_NOT_MODELLED, TASK_MEMBERS_NOT_MODELLED, notModelled } from '../runtime/not-modelled.ts';

export { NAMES_NOT_MODELLED, TASK_MEMBERS_NOT_MODELLED, notModelled };

/** Top-level forms and settings of the machine, with what the machine does instead. */
export const FORMS_NOT_MODELLED: Readonly<Record<string, string>> = {
  Process: '`process` is not modelled yet: this version runs kernel threads only.',
  Fork: '`fork` is not modelled yet: this version runs kernel threads only.',
  Touch: '`touch` is not modelled yet: this version has no address spaces.',
  DiskSetting: '`disk` is not modelled yet: this version has no block devices.',
  FileSetting: '`file` is not modelled yet: this version has no files.',
  SwapSetting: '`swap` is not modelled yet: this version has no swap areas.',
};

/** Calls of kernel threads. Those of processes need no list: there are no processes. */
export const CALLS_NOT_MODELLED: ReadonlySet<string> = new Set(['drop_caches', 'wakeup_pdflush', 'shrink_all_memory']);
