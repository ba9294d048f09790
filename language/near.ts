// "Did you mean …?": the known word that is nearest to a misspelt one.

/** ` Did you mean \`word\`?` with a leading space when a word is near, else the empty string. */
export function didYouMean(word: string, known: Iterable<string>): string {
  const best = nearest(word, known);
  return best === undefined ? '' : ` Did you mean \`${best}\`?`;
}

/**
 * The nearest of `known`, or undefined when none is near. One mistake in three letters counts as near, and letters of another case do;
 * of shorter words only these.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  return nearestFew(word, known, 1)[0];
}

/** Up to `count` near words, the nearest first; equally near ones in the order given. */
export function nearestFew(word: string, known: Iterable<string>, count: number): string[] {
  const limit = Math.floor(word.length / 3);
  return [...new Set(known)]
    .map((candidate) => ({ candidate, cost: mistakes(word, candidate, limit) }))
    .filter(({ candidate, cost }) => candidate !== word && cost <= limit)
    .sort((a, b) => a.cost - b.cost)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

function mistakes(word: string, candidate: string, limit: number): number {
  if (word.toLowerCase() === candidate.toLowerCase()) return 0;
  if (Math.abs(word.length - candidate.length) > limit) return limit + 1;
  return editDistance(word, candidate);
}

/** Insertions, deletions, replacements and swaps of neighbours that lead from `a` to `b`. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, replaced, isSwap ? beforeLast[j - 2]! + 1 : Infinity));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
