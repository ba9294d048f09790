// Lines of a trace about dirty pages (mm/page-writeback.c with the recorder's prints).
//
//   BDPR ratelimit 512 count 512 ratelimit_pages 512 dirty 515             a writer looks at the limits
//   BDP wake background: reclaimable 2053 bg 1638 thresh 6553              and asks pdflush for help
//   BGW wrote 1036 min_pages -1036 dirty 1018 wb 1036 bg 1638 congested 0 skipped 0 jiffies 4294893286      one walk of background_writeout is done
//   KUPD start nr_to_write 836 dirty 1 jiffies 4294894843                  wb_kupdate begins

export interface Look {
  kind: 'look';
  line: number;
  text: string;
  ratelimit: number;
  count: number;
  ratelimit_pages: number;
  dirty: number;
}

export interface Wake {
  kind: 'wake';
  line: number;
  text: string;
  reclaimable: number;
  bg: number;
  thresh: number;
}

export interface Walk {
  kind: 'walk';
  line: number;
  /** Without what depends on how fast a disk is. */
  text: string;
  wrote: number;
  min_pages: number;
  dirty: number;
  bg: number;
  congested: number;
  skipped: number;
  jiffies: number;
}

export interface Periodic {
  kind: 'periodic';
  line: number;
  text: string;
  nr_to_write: number;
  dirty: number;
  jiffies: number;
}

/** A line of one of these keys, but of no form that is known. */
export interface Strange {
  kind: 'strange';
  line: number;
  text: string;
}

/** What the kernel counted as mapped when it printed a line: SA mapped_ratio … (mapped 3 anon 15001 total 16384). */
export interface Mapped {
  kind: 'mapped';
  line: number;
  pages: number;
}

export type WritebackLine = Look | Wake | Walk | Periodic | Strange | Mapped;

const KEYS = /^(?:BDPR|BDP|BGW|KUPD) /;
const LOOK = /^BDPR ratelimit (\d+) count (\d+) ratelimit_pages (\d+) dirty (\d+)$/;
const WAKE = /^BDP wake background: reclaimable (\d+) bg (\d+) thresh (\d+)$/;
const WALK = /^BGW wrote (-?\d+) min_pages (-?\d+) dirty (\d+) wb \d+ bg (\d+) congested (\d+) skipped (\d+) jiffies (\d+)$/;
const PERIODIC = /^KUPD start nr_to_write (\d+) dirty (\d+) jiffies (\d+)$/;
const MAPPED = /^SA .* \(mapped (\d+) anon (\d+) total \d+\)$/;

/** The lines of a trace about dirty pages, and those that tell how much is mapped. */
export function writebackLines(trace: readonly string[]): WritebackLine[] {
  return trace.flatMap((text, at) => parse(text, at + 1) ?? []);
}

function parse(text: string, line: number): WritebackLine | null {
  const mapped = MAPPED.exec(text);
  if (mapped) return { kind: 'mapped', line, pages: Number(mapped[1]) + Number(mapped[2]) };
  if (!KEYS.test(text)) return null;
  return parseLook(text, line) ?? parseWake(text, line) ?? parseWalk(text, line) ?? parsePeriodic(text, line) ?? { kind: 'strange', line, text };
}

function parseLook(text: string, line: number): Look | null {
  const n = LOOK.exec(text)?.slice(1).map(Number);
  return n === undefined ? null : { kind: 'look', line, text, ratelimit: n[0]!, count: n[1]!, ratelimit_pages: n[2]!, dirty: n[3]! };
}

function parseWake(text: string, line: number): Wake | null {
  const n = WAKE.exec(text)?.slice(1).map(Number);
  return n === undefined ? null : { kind: 'wake', line, text, reclaimable: n[0]!, bg: n[1]!, thresh: n[2]! };
}

function parseWalk(text: string, line: number): Walk | null {
  const n = WALK.exec(text)?.slice(1).map(Number);
  if (n === undefined) return null;
  const walk = { wrote: n[0]!, min_pages: n[1]!, dirty: n[2]!, bg: n[3]!, congested: n[4]!, skipped: n[5]!, jiffies: n[6]! };
  return { kind: 'walk', line, text: walkText(walk), ...walk };
}

function parsePeriodic(text: string, line: number): Periodic | null {
  const n = PERIODIC.exec(text)?.slice(1).map(Number);
  return n === undefined ? null : { kind: 'periodic', line, text, nr_to_write: n[0]!, dirty: n[1]!, jiffies: n[2]! };
}

// ---- the engine's -----------------------------------------------------------------------------------------------------

/** A line as the recorder would write it, of what the engine did. */
export function lookText({ ratelimit, count, ratelimit_pages, dirty }: Pick<Look, 'ratelimit' | 'count' | 'ratelimit_pages' | 'dirty'>): string {
  return `BDPR ratelimit ${ratelimit} count ${count} ratelimit_pages ${ratelimit_pages} dirty ${dirty}`;
}

export function wakeText({ reclaimable, bg, thresh }: Pick<Wake, 'reclaimable' | 'bg' | 'thresh'>): string {
  return `BDP wake background: reclaimable ${reclaimable} bg ${bg} thresh ${thresh}`;
}

export function walkText({ wrote, min_pages, dirty, bg }: Pick<Walk, 'wrote' | 'min_pages' | 'dirty' | 'bg'>): string {
  return `BGW wrote ${wrote} min_pages ${min_pages} dirty ${dirty} bg ${bg}`;
}
