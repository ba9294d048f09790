// What a `pagewalk` command leaves as its exit status (LANGUAGE.md, The command line).

export const EXIT = {
  /** All expectations hold; nothing is wrong with the files. */
  ok: 0,
  /** The run failed: an expectation, an unannounced kernel BUG, the event limit, a deadlock. */
  failed: 1,
  /** The file or the command line is wrong. */
  wrong: 2,
  /** The emulator itself broke. */
  broken: 3,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** A mistake in how the command was called: the text says what to do instead. */
export class UsageError extends Error {
  override name = 'UsageError';
}
