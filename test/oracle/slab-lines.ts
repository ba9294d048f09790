// Lines of a trace that the slab allocator wrote: SL (what it did inside) and SO (one step of the kernel's own script on one cache). `text` is
// what is compared.

/** One thing the allocator did. */
export interface SlabEvent {
  kind: 'refill' | 'grow' | 'flush' | 'destroy';
  line: number;
  cache: string;
  text: string;
  /** refill */
  touched: number;
  /** grow and destroy: the first page's address; grow: of struct slab, of the first object, and the number of objects. */
  mem: number;
  slabp: number;
  s_mem: number;
  num: number;
}

/** One step of the script with what the allocator did in it. `address` is null where it got nothing. */
export interface SlabStep {
  kind: 'alloc' | 'free' | 'cache-destroy';
  line: number;
  text: string;
  address: number | null;
  events: SlabEvent[];
}

const hex = (text: string | undefined): number => parseInt(text ?? '', 16);

export function refillText(got: number, freeObjects: number, touched: number): string {
  return `refill got ${got} free_objects ${freeObjects} touched ${touched}`;
}

export function growText(at: { mem: number; s_mem: number; colouroff: number; num: number; isOffSlab: boolean }): string {
  return `grow mem ${at.mem.toString(16)} s_mem +${at.s_mem - at.mem} colouroff ${at.colouroff} num ${at.num} ${at.isOffSlab ? 'off-slab' : 'on-slab'}`;
}

export function flushText(avail: number, batch: number, limit: number): string {
  return `flush avail ${avail} batch ${batch} limit ${limit}`;
}

export function destroyText(mem: number): string {
  return `destroy ${mem.toString(16)}`;
}

/** What a line of the trace says, or null where it is no SL line. */
export function parseSlabEvent(line: number, text: string): SlabEvent | null {
  const event = { line, touched: 0, mem: 0, slabp: 0, s_mem: 0, num: 0 };
  const refill = /^SL refill (\S+) got (\d+) free_objects (\d+) touched (\d+)/.exec(text);
  if (refill) {
    const [got, free, touched] = refill.slice(2).map(Number) as [number, number, number];
    return { ...event, kind: 'refill', cache: refill[1]!, touched, text: refillText(got, free, touched) };
  }
  const grow = /^SL grow (\S+) mem (\w+) s_mem (\w+) slabp (\w+) colouroff (\d+) num (\d+)/.exec(text);
  if (grow) {
    const at = { mem: hex(grow[2]), s_mem: hex(grow[3]), slabp: hex(grow[4]) };
    const num = Number(grow[6]);
    const isOffSlab = at.slabp < at.mem || at.slabp >= at.s_mem;
    return { ...event, kind: 'grow', cache: grow[1]!, ...at, num, text: growText({ ...at, colouroff: Number(grow[5]), num, isOffSlab }) };
  }
  const flush = /^SL flush (\S+) avail (\d+) batch (\d+) limit (\d+)/.exec(text);
  if (flush) {
    const [avail, batch, limit] = flush.slice(2).map(Number) as [number, number, number];
    return { ...event, kind: 'flush', cache: flush[1]!, text: flushText(avail, batch, limit) };
  }
  const destroy = /^SL destroy (\S+) addr (\w+)/.exec(text);
  return destroy && { ...event, kind: 'destroy', cache: destroy[1]!, mem: hex(destroy[2]), text: destroyText(hex(destroy[2])) };
}

function parseStep(line: number, text: string): SlabStep | null {
  const alloc = /^SO \S+ alloc -> (\S+)/.exec(text);
  if (alloc) return { kind: 'alloc', line, text, address: hex(alloc[1]) || null, events: [] };
  const free = /^SO \S+ free (\w+)/.exec(text);
  if (free) return { kind: 'free', line, text, address: hex(free[1]), events: [] };
  return /^SO destroy/.test(text) ? { kind: 'cache-destroy', line, text, address: null, events: [] } : null;
}

/** All SL lines, in order. */
export function slabEvents(lines: readonly string[]): SlabEvent[] {
  return lines.flatMap((text, i) => (text.startsWith('SL ') ? parseSlabEvent(i + 1, text) ?? [] : []));
}

/** The script on one cache, or null where the trace has none: every SO line, with the lines of that cache that belong to it. A refill or growth
 *  stands before the allocation that needed it, a flush or destruction behind the step that caused it. */
export function slabScript(lines: readonly string[]): { cache: string; steps: SlabStep[] } | null {
  const steps = lines.flatMap((text, i) => (text.startsWith('SO ') ? parseStep(i + 1, text) ?? [] : []));
  const first = steps.find((step) => step.kind === 'alloc' && step.address !== null);
  if (first === undefined) return null;
  const growths = slabEvents(lines).filter((event) => event.kind === 'grow' && event.line < first.line && event.mem <= first.address!);
  const nearest = growths.reduce((best, event) => (event.mem >= best.mem ? event : best));
  for (const event of slabEvents(lines)) {
    if (event.cache !== nearest.cache) continue;
    const isBefore = event.kind === 'refill' || event.kind === 'grow';
    const step = isBefore ? steps.find(({ line, kind }) => line > event.line && kind === 'alloc') : steps.filter(({ line }) => line < event.line).at(-1);
    step?.events.push(event);
  }
  return { cache: nearest.cache, steps };
}
