// What a check found, and how it is printed: `FOLDER RULES what N of N`, and the first difference in words.

/** The first place where the engine did something else than the kernel. */
export interface Difference {
  /** Where in the recording: `trace line 1380`, `boot/zoneinfo.txt line 3`. */
  where: string;
  kernel: string;
  engine: string;
}

export interface Check {
  /** Ids of KERNEL.md. */
  rules: string;
  what: string;
  same: number;
  total: number;
  difference: Difference | null;
}

export interface Verdict {
  folder: string;
  checks: Check[];
  /** Allocations and frees that were not replayed, and why. Always printed: what is not counted must be seen. */
  gaps: string[];
  /** What else is not compared, and why, by name. */
  notes: string[];
}

/** Compares pairs of texts or figures one by one; every one counts, the first that differs is kept. */
export function compareAll(rules: string, what: string, pairs: Iterable<{ where: string; kernel: unknown; engine: unknown }>): Check {
  const check: Check = { rules, what, same: 0, total: 0, difference: null };
  for (const { where, kernel, engine } of pairs) {
    check.total++;
    if (String(kernel) === String(engine)) check.same++;
    else check.difference ??= { where, kernel: String(kernel), engine: String(engine) };
  }
  return check;
}

export function agrees(verdict: Verdict): boolean {
  return verdict.checks.every((check) => check.difference === null && check.same === check.total);
}

/** The lines for people; `verbose` adds what was left out and why. */
export function printVerdict(verdict: Verdict, options: { verbose: boolean }): string[] {
  const lines: string[] = [];
  for (const check of verdict.checks) {
    lines.push(`${verdict.folder} ${check.rules} ${check.what} ${check.same} of ${check.total}`);
    if (check.difference === null) continue;
    const { where, kernel, engine } = check.difference;
    lines.push(`  first difference at ${where}:`, `    kernel: ${kernel}`, `    engine: ${engine}`);
  }
  lines.push(...verdict.gaps.map((gap) => `  ${verdict.folder}: ${gap}`));
  if (options.verbose) lines.push(...verdict.notes.map((note) => `  ${verdict.folder}: ${note}`));
  return lines;
}
