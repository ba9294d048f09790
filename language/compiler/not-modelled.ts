// What the language has and this version of the machine has not: the one table that later versions shrink. Each use is an error at its place.
import { NAMES_NOT_MODELLED, notModelled } from '../runtime/not-modelled.ts';

export { NAMES_NOT_MODELLED, notModelled };

/** Settings of the machine, with what the machine does instead. */
export const FORMS_NOT_MODELLED: Readonly<Record<string, string>> = {
  SwapSetting: '`swap` is not modelled yet: this version has no swap areas.',
};

/** Calls, of processes and of kernel threads. */
export const CALLS_NOT_MODELLED: ReadonlySet<string> = new Set([
  'swapon', 'swapoff', 'set_mempolicy', 'mbind', 'migrate_pages', 'shrink_all_memory',
]);
