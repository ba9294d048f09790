/** Names of the language that this version of the machine has nothing behind. Later versions shrink this list. */

/** Names that an expression may read. */
export const NAMES_NOT_MODELLED: ReadonlySet<string> = new Set(['swaps', 'oom']);

/** The message for a thing of the language that the machine cannot do yet; `thing` as it is written. */
export function notModelled(thing: string): string {
  return `\`${thing}\` is not modelled yet: this version has processes, files and disks, but no swap and no reclaim.`;
}
