// Hit conditions as people write them: `5`, `== 5`, `> 5`, `>= 5`, `< 5`, `<= 5`, `% 5`.

import type { HitCondition } from '../worker/commands.ts';

/** Null where the text is none. */
export function parseHitCondition(text: string): HitCondition | null {
  const match = /^\s*(==|>=|<=|>|<|%)?\s*(\d+)\s*$/.exec(text);
  if (match === null) return null;
  const count = Number(match[2]);
  const operator = (match[1] ?? '==') as HitCondition['operator'];
  return operator === '%' && count === 0 ? null : { operator, count };
}

export const HIT_CONDITION_HELP = 'A hit condition is a number of passings, as `5`, `>5`, `>=5`, `<5`, `==5` or `%5` (every fifth).';
