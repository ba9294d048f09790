// A trace line about pages, in words.

export function describe(line: string): string {
  return line
    .replace(/^A (\S+) pfn (\d+) o(\d+) gfp (\w+) pcp (-?\d+)$/, 'gave page $2 of $1 (order $3, gfp 0x$4), $5 left in its per-CPU list')
    .replace(/^F (\S+) pfn (\d+) cold (\d) pcp (\d+)$/, 'freed page $2 of $1 (cold $3), $4 in its per-CPU list')
    .replace(/^F (\S+) pfn (\d+) o(\d+)$/, 'freed block $2 of $1 (order $3)')
    .replace(/^B- (\S+) pfn (\d+) o(\d+) from o(\d+) free (\d+)$/, 'took block $2 of order $3 from the order-$4 list of $1, $5 pages left free')
    .replace(/^B\+ (\S+) pfn (\d+) o(\d+) free (\d+)$/, 'put block $2 into the order-$3 list of $1, $4 pages free');
}

/** Why nothing behind a line can be replayed. */
export function needsReclaim(line: number): string {
  return `line ${line} needs direct reclaim, which the engine does not model yet`;
}
