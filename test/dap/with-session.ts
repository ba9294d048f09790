// Gives a test a session and ends it, whatever happens in between.
import type { Setup } from './debugging.ts';
import { Debugging } from './debugging.ts';

/** Runs a scenario under the adapter for the length of a test. */
export async function debug(scenario: string, setup: Setup, test: (session: Debugging) => Promise<void>): Promise<void> {
  const session = await Debugging.start(scenario, setup);
  try {
    await test(session);
  } finally {
    await session.end();
  }
}
