// What a trace shows of a program that reads files and touches mappings of them, in its order: reads, as readahead-check.ts found them, and faults.
//
//   A … gfp 201d2      a page for the page cache, of those that are read ahead or around (GFP_HIGHUSER, cold)
//   RA io …            so many of them were for this window of a file
//   PF …               the others since the line before were read around this fault; where its frame is one of these it is one in a mapping of a file
//
// So a frame tells which page of a file it is, and a mapping where in its file it begins: by an area of the snapshots, or by a frame that a read got.
// Mappings are told apart by the MARK before them; one of which nothing tells where it begins is put where nobody reads.

import { GFP_HIGHUSER, __GFP_COLD, __GFP_HARDWALL } from '../../engine/include/gfp.ts';
import { PAGE_SIZE } from '../../engine/include/types.ts';
import { isAnonymous, parseMaps } from './maps.ts';
import { frameOf } from './processes.ts';
import type { Read, Window } from './readahead-check.ts';
import type { Recording } from './recording.ts';
import type { Fault, TraceEvent } from './trace.ts';

/** A fault in a mapping of a file that lies on a disk. */
export interface FileFault {
  kind: 'fault';
  line: number;
  /** Which mapping, and which page of its file, if it begins at 0. */
  mapping: number;
  page: number;
  ret: number;
  file_rss: number;
  /** Pages that were read, and how many of them lie before the one that was missed. */
  read: number;
  before: number;
}

/** A mapping: pages of the address space, and where its file is mapped from. `read` is a window of the file that it shows, where one is known. */
export interface Mapping {
  start: number;
  end: number;
  pgoff: number;
  window: Window | null;
}

export interface FileScript {
  items: (Read | FileFault)[];
  mappings: Mapping[];
  notes: string[];
}

/** What is known of a frame in the page cache: which page of which window, where a window was read whole. */
interface Cached {
  window: Window | null;
  index: number;
}

interface Gathering {
  /** Frames that were got since the last RA io or PF line. */
  fresh: number[];
  cached: Map<number, Cached>;
  faults: { fault: Fault; phase: string; read: number; before: number; hit: Cached | null }[];
}

const READ_GFP = GFP_HIGHUSER | __GFP_COLD | __GFP_HARDWALL;

/** The script of a recording; without items where it shows none. */
export function fileScript(recording: Recording, events: readonly TraceEvent[], reads: readonly Read[]): FileScript {
  const { faults } = gather(events, reads.flatMap(({ windows }) => windows));
  const phases = [...new Set(faults.map(({ phase }) => phase))];
  const notes: string[] = [];
  const mappings = phases.map((phase) => mappingOf(recording, faults.filter((other) => other.phase === phase), notes));
  const found = faults.map(({ fault, phase, read, before }): FileFault => {
    const mapping = phases.indexOf(phase);
    const page = Math.floor(fault.address / PAGE_SIZE) - mappings[mapping]!.start + mappings[mapping]!.pgoff;
    return { kind: 'fault', line: fault.line, mapping, page, ret: fault.ret, file_rss: fault.file_rss, read, before };
  });
  placeUnknown(mappings, reads, found);
  return { items: [...reads, ...found].sort((a, b) => a.line - b.line), mappings, notes };
}

// ---- frames -----------------------------------------------------------------------------------------------------------

function gather(events: readonly TraceEvent[], windows: readonly Window[]): Gathering {
  const gathering: Gathering = { fresh: [], cached: new Map(), faults: [] };
  let phase = '';
  let next = 0;
  for (const event of events) {
    while (next < windows.length && windows[next]!.line < event.line) enterWindow(gathering, windows[next++]!);
    switch (event.kind) {
      case 'mark':
        phase = event.name;
        break;
      case 'alloc':
        if (event.order === 0 && (event.gfp | __GFP_HARDWALL) === READ_GFP) gathering.fresh.push(event.pfn);
        else gathering.cached.delete(event.pfn);
        break;
      case 'free':
        gathering.cached.delete(event.pfn);
        break;
      case 'fault':
        enterFault(gathering, event, phase);
        break;
      default:
    }
  }
  return gathering;
}

/** The pages of a window: which they are is known where all of it was read. */
function enterWindow({ fresh, cached }: Gathering, window: Window): void {
  const own = fresh.splice(0).slice(-window.actual || Infinity);
  const isWhole = window.actual === window.nr && own.length === window.nr;
  for (const [i, frame] of own.entries()) cached.set(frame, isWhole ? { window, index: window.offset + i } : { window: null, index: 0 });
}

function enterFault({ fresh, cached, faults }: Gathering, fault: Fault, phase: string): void {
  const own = fresh.splice(0);
  for (const frame of own) cached.set(frame, { window: null, index: 0 });
  const frame = frameOf(fault.new);
  const hit = cached.get(frame);
  if (hit === undefined || fault.write !== 0 || fault.old !== 0) return;
  faults.push({ fault, phase, read: own.length, before: Math.max(0, own.indexOf(frame)), hit: hit.window === null ? null : hit });
}

// ---- mappings ---------------------------------------------------------------------------------------------------------

/** The mapping that a phase's faults lie in. */
function mappingOf({ snapshots }: Recording, faults: readonly Gathering['faults'][number][], notes: string[]): Mapping {
  const pages = faults.map(({ fault }) => Math.floor(fault.address / PAGE_SIZE));
  const [start, end] = [Math.min(...pages), Math.max(...pages) + 1];
  const areas = snapshots.flatMap(({ files }) => parseMaps(files['self_smaps'] ?? files['self_maps'] ?? '')).filter((area) => !isAnonymous(area));
  const area = areas.find((other) => other.start / PAGE_SIZE <= start && end <= other.end / PAGE_SIZE);
  if (area !== undefined) return { start: area.start / PAGE_SIZE, end: area.end / PAGE_SIZE, pgoff: area.offset / PAGE_SIZE, window: null };
  const hit = faults.find((other) => other.hit !== null);
  if (hit === undefined) {
    notes.push(`file faults from line ${faults[0]!.fault.line} on: nothing tells where in its file the mapping begins; it is put where nobody reads`);
    return { start, end, pgoff: 0, window: null };
  }
  notes.push(`file faults from line ${faults[0]!.fault.line} on: where in its file the mapping begins is taken from the frame in line ${hit.fault.line}, which a read got`);
  return { start, end, pgoff: hit.hit!.index - (Math.floor(hit.fault.address / PAGE_SIZE) - start), window: hit.hit!.window };
}

/** Pages between parts of a file that have nothing to do with each other. */
const APART = 64;

/** Moves mappings of unknown place behind all that is read and mapped otherwise. */
function placeUnknown(mappings: readonly Mapping[], reads: readonly Read[], faults: readonly FileFault[]): void {
  const ends = reads.flatMap(({ offset, pages, windows }) => [offset + pages, ...windows.map((window) => window.offset + window.nr)]);
  let free = APART + Math.max(0, ...ends);
  for (const { pgoff, start, end } of mappings) free = Math.max(free, pgoff + end - start + APART);
  if (reads.length === 0) return;
  for (const [i, mapping] of mappings.entries()) {
    if (mapping.window !== null || mapping.pgoff > 0) continue;
    mapping.pgoff = free;
    for (const fault of faults) if (fault.mapping === i) fault.page += free;
    free += mapping.end - mapping.start + APART;
  }
}
