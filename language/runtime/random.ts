/** Random numbers of a task: a stream of its own from the machine's seed, so that another task's draws do not shift it. */
import type { Position } from './program.ts';
import type { Integer } from './values.ts';
import { ValueError, integer } from './values.ts';

/** The state a task's stream begins with; the copies of one task have streams of their own. */
export function seedOf(seed: number, routine: number, copy = 0): number {
  return scramble((seed ^ Math.imul(routine + 1, 0x9e3779b9) ^ Math.imul(copy, 0x85ebca6b)) | 0);
}

/** The state a child's stream begins with: another than its parent's, which does not move on. */
export function seedOfChild({ random }: Position, pid: number): number {
  return seedOf(random, pid);
}

/** A number from 0 to limit - 1; the stream moves on by two draws. */
export function draw(position: Position, limit: Integer): Integer {
  if (limit <= 0) throw new ValueError(`\`random\` takes a positive number, not ${limit}`);
  const bits = (BigInt(next(position)) << 32n) | BigInt(next(position));
  return integer((bits * BigInt(limit)) >> 64n);
}

/** 32 bits (mulberry32). */
function next(position: Position): number {
  position.random = (position.random + 0x6d2b79f5) | 0;
  return scramble(position.random) >>> 0;
}

function scramble(state: number): number {
  const mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  const more = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return more ^ (more >>> 14);
}
