// The lines of a trace as records (keys as in the recordings' INDEX.md). A line's `text` is what is compared: without the task at its end.

/** Addresses and sizes in bytes, positions in pages, as the boot allocator keeps them. */
export interface BootmemAlloc {
  kind: 'bootmem-alloc';
  line: number;
  size: number;
  align: number;
  goal: number;
  limit: number;
  phys: number;
  last_success: number;
  last_pos: number;
  last_offset: number;
}

export interface BootmemRange {
  kind: 'bootmem-free' | 'bootmem-reserve';
  line: number;
  addr: number;
  size: number;
}

/** `A`: a request was answered. `pcp` is the count its list was left with, -1 for a block, null where the line came too late to tell. */
export interface Alloc {
  kind: 'alloc';
  line: number;
  text: string;
  zone: string;
  pfn: number;
  order: number;
  gfp: number;
  pcp: number | null;
  comm: string;
}

/** `F`: a page or block was freed. `pcp` is the list's count before a full list is trimmed, -1 for a block. */
export interface Free {
  kind: 'free';
  line: number;
  text: string;
  zone: string;
  pfn: number;
  order: number;
  cold: number;
  pcp: number;
  comm: string;
}

/** `B-`: a block left a buddy list of order `from`; `free` pages are left in the zone. */
export interface Take {
  kind: 'take';
  line: number;
  text: string;
  zone: string;
  pfn: number;
  order: number;
  from: number;
  free: number;
}

/** `B+`: a block, merged as far as it goes, entered a buddy list; the zone now has `free` pages. */
export interface Put {
  kind: 'put';
  line: number;
  text: string;
  zone: string;
  pfn: number;
  order: number;
  free: number;
}

export interface PcpDump {
  zone: string;
  cold: number;
  count: number;
  high: number;
  batch: number;
  pages: number[];
}

export interface ZoneDump {
  name: string;
  start: number;
  spanned: number;
  present: number;
  free: number;
  wait_table: number;
  bits: number;
  /** Blocks by order, head first. */
  lists: number[][];
  pcp: PcpDump[];
}

/** All free lists, per-CPU lists and a few sums at one moment: FL, PCP, ZONE, VARS. */
export interface Dump {
  kind: 'dump';
  line: number;
  zones: ZoneDump[];
  vars: Record<string, number>;
}

/** `OP`: one step of the kernel's own allocation script. `pfn` is null where it got nothing. */
export interface ScriptStep {
  kind: 'script';
  line: number;
  text: string;
  isAlloc: boolean;
  pfn: number | null;
  order: number;
  gfp: number;
  cold: number;
}

/** `WX`: an exhaustion's n-th allocation came from another zone than the one before. */
export interface ZoneSwitch {
  kind: 'switch';
  line: number;
  text: string;
  gfp: number;
  order: number;
}

/** `WF`: an exhaustion got no more. */
export interface Exhausted {
  kind: 'exhausted';
  line: number;
  text: string;
  gfp: number;
  order: number;
}

export interface Mark {
  kind: 'mark';
  line: number;
  name: string;
}

/** A task enters or leaves direct reclaim, where it may use every reserve. */
export interface Reclaim {
  kind: 'reclaim';
  line: number;
  comm: string;
  begins: boolean;
}

/** `PF`: handle_mm_fault is done. Page-table entries as the processor reads them; the counters are those of the address space after it. */
export interface Fault {
  kind: 'fault';
  line: number;
  text: string;
  comm: string;
  pid: number;
  address: number;
  write: 0 | 1;
  old: number;
  new: number;
  ret: number;
  anon_rss: number;
  file_rss: number;
  ptes: number;
}

/** `OC`: what __vm_enough_memory went by when somebody asked, in pages. */
export interface Overcommit {
  kind: 'overcommit';
  line: number;
  nr_file_pages: number;
  nr_swap_pages: number;
  slab_reclaim: number;
  nr_free: number;
  totalreserve: number;
  committed: number;
  overcommit: number;
  ratio: number;
  totalram: number;
  total_swap: number;
}

export type PageEvent = Alloc | Free | Take | Put;
export type TraceEvent = BootmemAlloc | BootmemRange | PageEvent | Dump | ScriptStep | ZoneSwitch | Exhausted | Mark | Reclaim | Fault | Overcommit;

type Parser = (line: number, text: string) => TraceEvent | null;

const n = (text: string | undefined): number => Number(text);
const hex = (text: string | undefined): number => parseInt(text ?? '', 16);

function parseBootmem(line: number, text: string): TraceEvent | null {
  const range = /^BM (free|reserve) addr (\w+) size (\w+)/.exec(text);
  if (range) return { kind: range[1] === 'free' ? 'bootmem-free' : 'bootmem-reserve', line, addr: hex(range[2]), size: hex(range[3]) };
  const m = /^BM alloc size (\d+) align (\d+) goal (\w+) limit (\w+) -> phys (\w+) last_success (\w+) last_pos (\w+) last_offset (\w+)/.exec(text);
  if (!m) return null;
  return {
    kind: 'bootmem-alloc', line, size: n(m[1]), align: n(m[2]), goal: hex(m[3]), limit: hex(m[4]),
    phys: hex(m[5]), last_success: hex(m[6]), last_pos: hex(m[7]), last_offset: hex(m[8]),
  };
}

function parseAlloc(line: number, text: string): TraceEvent | null {
  const m = /^(A (\S+) pfn (\d+) o(\d+) gfp (\w+) pcp (-?\d+))(?: \[(.*)\])?/.exec(text);
  if (!m) return null;
  return { kind: 'alloc', line, text: m[1]!, zone: m[2]!, pfn: n(m[3]), order: n(m[4]), gfp: hex(m[5]), pcp: n(m[6]), comm: m[7] ?? '' };
}

function parseFree(line: number, text: string): TraceEvent | null {
  const single = /^(F (\S+) pfn (\d+) cold (\d) pcp (\d+))(?: \[(.*)\])?/.exec(text);
  if (single) {
    return { kind: 'free', line, text: single[1]!, zone: single[2]!, pfn: n(single[3]), order: 0, cold: n(single[4]), pcp: n(single[5]), comm: single[6] ?? '' };
  }
  const block = /^(F (\S+) pfn (\d+) o(\d+))(?: \[(.*)\])?/.exec(text);
  if (!block) return null;
  return { kind: 'free', line, text: block[1]!, zone: block[2]!, pfn: n(block[3]), order: n(block[4]), cold: 0, pcp: -1, comm: block[5] ?? '' };
}

function parseTake(line: number, text: string): TraceEvent | null {
  const m = /^B- (\S+) pfn (\d+) o(\d+) from o(\d+) free (\d+)/.exec(text);
  return m && { kind: 'take', line, text: m[0], zone: m[1]!, pfn: n(m[2]), order: n(m[3]), from: n(m[4]), free: n(m[5]) };
}

function parsePut(line: number, text: string): TraceEvent | null {
  const m = /^B\+ (\S+) pfn (\d+) o(\d+) free (\d+)/.exec(text);
  return m && { kind: 'put', line, text: m[0], zone: m[1]!, pfn: n(m[2]), order: n(m[3]), free: n(m[4]) };
}

function parseScript(line: number, text: string): TraceEvent | null {
  const alloc = /^OP \S+ alloc order (\d+) gfp (\w+) -> (?:pfn (\d+))?/.exec(text);
  if (alloc) return { kind: 'script', line, text, isAlloc: true, order: n(alloc[1]), gfp: hex(alloc[2]), pfn: n(alloc[3] ?? '0') || null, cold: 0 };
  const free = /^OP \S+ free pfn (\d+) order (\d+)(?: cold (\d))?/.exec(text);
  return free && { kind: 'script', line, text, isAlloc: false, order: n(free[2]), gfp: 0, pfn: n(free[1]), cold: n(free[3] ?? '0') };
}

function parseSwitch(line: number, text: string): TraceEvent | null {
  const m = /^WX \S+ gfp (\w+) order (\d+): /.exec(text);
  return m && { kind: 'switch', line, text, gfp: hex(m[1]), order: n(m[2]) };
}

function parseExhausted(line: number, text: string): TraceEvent | null {
  const m = /^WF \S+ gfp (\w+) order (\d+) NULL after /.exec(text);
  return m && { kind: 'exhausted', line, text, gfp: hex(m[1]), order: n(m[2]) };
}

function parseReclaim(line: number, text: string): TraceEvent | null {
  const m = /^AP direct-reclaim (gfp|progress) .*\[(\S+)/.exec(text);
  return m && { kind: 'reclaim', line, comm: m[2]!.replace(/\]$/, ''), begins: m[1] === 'gfp' };
}

function parseFault(line: number, text: string): TraceEvent | null {
  const m = /^PF (.*) pid (\d+) addr (\w+) w ([01]) old (\w+) new (\w+) ret (\d+) anon_rss (\d+) file_rss (\d+) ptes (\d+)$/.exec(text);
  return m && {
    kind: 'fault', line, text, comm: m[1]!, pid: n(m[2]), address: hex(m[3]), write: m[4] === '1' ? 1 : 0, old: hex(m[5]), new: hex(m[6]),
    ret: n(m[7]), anon_rss: n(m[8]), file_rss: n(m[9]), ptes: n(m[10]),
  };
}

const OVERCOMMIT_FIELDS = [
  'nr_file_pages', 'nr_swap_pages', 'slab_reclaim', 'nr_free', 'totalreserve', 'committed', 'overcommit', 'ratio', 'totalram', 'total_swap',
] as const;

function parseOvercommit(line: number, text: string): TraceEvent | null {
  const values = OVERCOMMIT_FIELDS.map((name) => new RegExp(` ${name} (-?\\d+)(?= |$)`).exec(text)?.[1]);
  if (values.some((value) => value === undefined)) return null;
  const fields = Object.fromEntries(OVERCOMMIT_FIELDS.map((name, i) => [name, n(values[i])])) as Record<(typeof OVERCOMMIT_FIELDS)[number], number>;
  return { kind: 'overcommit', line, ...fields };
}

const PARSERS: Readonly<Record<string, Parser>> = {
  'PF': parseFault, 'OC': parseOvercommit,
  'BM': parseBootmem, 'A': parseAlloc, 'F': parseFree, 'B-': parseTake, 'B+': parsePut, 'OP': parseScript, 'WX': parseSwitch, 'WF': parseExhausted, 'AP': parseReclaim,
  'MARK': (line, text) => ({ kind: 'mark', line, name: text.slice('MARK '.length).trim() }),
};
const DUMP_LINES: Readonly<Record<string, RegExp>> = {
  FL: /^FL \S+ \d+:.* n=\d/,
  PCP: /^PCP \S+ \d+ count \d+ high \d+ batch \d+:/,
  ZONE: /^ZONE \S+ start \d+ spanned \d+ present \d+ free \d+ wait_table \d+ bits \d/,
  SIZES: /^SIZES \w/,
  VARS: /^VARS \w+ \d/,
};
const DUMP_KEYS = Object.keys(DUMP_LINES);

/** Keys whose lines nothing is compared with: reclaim, LRU, slab, swap, readahead, write-back, OOM. */
const IGNORED_KEY = /^(?:L|LRU|V|SA|SI|SZ|SS|DR|KS|AP|SO|SL|SWAP|SWAPFREE|RA|OOM\w*|BDP|BDPR|BGW|KUPD|VM)$/;

/** A line that is none of the recorder's: of a key that nobody knows, or not of its key's form. */
export interface UnknownLine {
  line: number;
  text: string;
}

export function unknownLines(lines: readonly string[]): UnknownLine[] {
  return lines.map((text, at) => ({ line: at + 1, text })).filter(({ line, text }) => text !== '' && !isKnown(line, text));
}

function isKnown(line: number, text: string): boolean {
  const key = text.split(' ', 1)[0]!;
  if (Object.hasOwn(DUMP_LINES, key)) return DUMP_LINES[key]!.test(text);
  return IGNORED_KEY.test(key) || (Object.hasOwn(PARSERS, key) && PARSERS[key]!(line, text) !== null);
}

/** Every line of a trace that is understood, in order; the others are passed over. */
export function parseTrace(lines: readonly string[]): TraceEvent[] {
  const events: TraceEvent[] = [];
  for (let at = 0; at < lines.length; at++) {
    const text = lines[at]!;
    const key = text.slice(0, text.indexOf(' '));
    if (DUMP_KEYS.includes(key)) {
      const dump = parseDump(lines, at);
      events.push(dump);
      at += dumpLength(lines, at) - 1;
      continue;
    }
    const event = PARSERS[key]?.(at + 1, text);
    if (event) events.push(event);
  }
  return events;
}

/** Lines of the dump that begins here: it ends with its VARS, or with another key. */
function dumpLength(lines: readonly string[], at: number): number {
  let length = 0;
  for (;;) {
    const text = lines[at + length] ?? '';
    const key = text.slice(0, text.indexOf(' '));
    if (!DUMP_KEYS.includes(key)) return length;
    length++;
    if (key === 'VARS') return length;
  }
}

function parseDump(lines: readonly string[], at: number): Dump {
  const zones = new Map<string, ZoneDump>();
  const zoneOf = (name: string): ZoneDump => {
    const zone = zones.get(name) ?? { name, start: 0, spanned: 0, present: 0, free: 0, wait_table: 0, bits: 0, lists: [], pcp: [] };
    zones.set(name, zone);
    return zone;
  };
  const vars: Record<string, number> = {};
  for (const text of lines.slice(at, at + dumpLength(lines, at))) parseDumpLine(text, zoneOf, vars);
  return { kind: 'dump', line: at + 1, zones: [...zones.values()], vars };
}

function parseDumpLine(text: string, zoneOf: (name: string) => ZoneDump, vars: Record<string, number>): void {
  const list = /^FL (\S+) (\d+):(.*) n=(\d+)/.exec(text);
  if (list) zoneOf(list[1]!).lists[n(list[2])] = numbers(list[3]!);
  const pcp = /^PCP (\S+) (\d+) count (\d+) high (\d+) batch (\d+):(.*)/.exec(text);
  if (pcp) zoneOf(pcp[1]!).pcp.push({ zone: pcp[1]!, cold: n(pcp[2]), count: n(pcp[3]), high: n(pcp[4]), batch: n(pcp[5]), pages: numbers(pcp[6]!) });
  const zone = /^ZONE (\S+) start (\d+) spanned (\d+) present (\d+) free (\d+) wait_table (\d+) bits (\d+)/.exec(text);
  if (zone) {
    const [start, spanned, present, free, entries, bits] = zone.slice(2).map(Number) as [number, number, number, number, number, number];
    Object.assign(zoneOf(zone[1]!), { start, spanned, present, free, wait_table: entries, bits });
  }
  if (text.startsWith('VARS ')) for (const [, name, value] of text.matchAll(/(\w+) (\d+)/g)) vars[name!] = n(value);
}

function numbers(text: string): number[] {
  return text.split(' ').filter((word) => word !== '').map(Number);
}
