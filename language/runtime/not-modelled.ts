/** Names of the language that this version of the machine has nothing behind. Later versions shrink these lists. */

/** Names that an expression may read; `pte` is called. */
export const NAMES_NOT_MODELLED: ReadonlySet<string> = new Set(['files', 'swaps', 'oom', 'pte']);

/** Members of a task. */
export const TASK_MEMBERS_NOT_MODELLED: readonly string[] = [
  'rss', 'anon_rss', 'file_rss', 'swap_pages', 'nr_ptes', 'total_vm', 'maj_flt', 'min_flt', 'vmas', 'badness', 'signal',
];

/** The message for a thing of the language that the machine cannot do yet; `thing` as it is written. */
export function notModelled(thing: string): string {
  return `\`${thing}\` is not modelled yet: this version runs kernel threads and the kernel's own allocators only.`;
}
