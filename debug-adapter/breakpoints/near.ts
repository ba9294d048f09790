// "The nearest names are …": what a person may have meant by a name that is not known.

/** Up to `count` of the known names, nearest first: those the name is a part of or that differ by few letters. */
export function nearNames(name: string, known: Iterable<string>, count: number): string[] {
  return [...new Set(known)]
    .map((candidate) => ({ candidate, cost: difference(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ cost }) => cost <= Math.max(2, name.length / 3))
    .sort((a, b) => a.cost - b.cost || a.candidate.length - b.candidate.length)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** As didYouMean, and where nothing is near enough for that the three that have most in common with the name. */
export function nearest(name: string, known: Iterable<string>): string {
  const all = [...known];
  return didYouMean(name, all) || ` The nearest are ${inWords(mostAlike(name, all, 3), 'and')}.`;
}

/** The names with the longest part in common, of those the ones that differ by fewest letters. */
function mostAlike(name: string, known: Iterable<string>, count: number): string[] {
  const lower = name.toLowerCase();
  return [...new Set(known)]
    .map((candidate) => ({ candidate, common: commonPart(lower, candidate.toLowerCase()), cost: editDistance(lower, candidate.toLowerCase()) }))
    .sort((a, b) => b.common - a.common || a.cost - b.cost)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Length of the longest part of a name that another one has too. */
function commonPart(a: string, b: string): number {
  let longest = 0;
  for (let from = 0; from < a.length; from++) while (from + longest < a.length && b.includes(a.slice(from, from + longest + 1))) longest++;
  return longest;
}

/** ` Did you mean …?` with a leading space, or the empty string. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const near = nearNames(name, known, 3);
  return near.length === 0 ? '' : ` Did you mean ${inWords(near, 'or')}?`;
}

function inWords(names: readonly string[], last: 'and' | 'or'): string {
  const quoted = names.map((one) => `\`${one}\``);
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} ${last} ${quoted.at(-1)!}`;
}

/** A part costs little, whatever surrounds it; else letters that must change. */
function difference(name: string, candidate: string): number {
  if (name.length > 2 && candidate.includes(name)) return 1;
  return editDistance(name, candidate);
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const above = row;
    row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = above[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, above[j]! + 1, row[j - 1]! + 1));
    }
  }
  return row[b.length]!;
}
