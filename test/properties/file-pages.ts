// What a page of a file may hold, as far as can be known from outside: in memory now, and on the disk were the power cut. Plain bytes and sets of
// possibilities; nothing here knows how the engine does it.
//
// Several calls may be changing one page at once, each of them at some moment between its begin and its end. So the page is in one of the states that
// follow from all orders in which those that are under way may have happened so far:
//
//   begin A    {old, A}          begin B    {old, A, B, AB, BA}          end A    {A, AB, BA}          end B    {AB, BA}
//
// Every state that was possible may have been caught by a write to the disk. Once somebody was told that what he knew of is on the disk, those that
// lack it are not possible there any more.

export const PAGE = 4096;

/** A change of a page: from the bytes before to those after. */
export type Change = (bytes: Uint8Array) => Uint8Array;

/** What a page may have held since some moment. */
export interface State {
  bytes: Uint8Array;
  /** Those changes that were under way when it came to be, and that it has seen. */
  seen: ReadonlySet<number>;
  born: number;
  /** When it stopped being possible in memory; Infinity: it is possible. */
  died: number;
  /** The file has no block there, or one that was never written: then the disk may hold anything. */
  isHole: boolean;
}

/** What a change does to the page's place on the disk: it has one afterwards, has none, or has what it had. */
export type Place = 'block' | 'hole' | 'same';

/** Something that an fsync after it must bring to the disk: a call that wrote or cut the page, which the disk then has seen; or a moment between two
 *  at which all that mappings had stored became known. */
export interface Mark {
  id: number;
  begin: number;
  end: number;
  kind: 'write' | 'cut' | 'stores';
}

export interface FilePage {
  /** What it may hold in memory. */
  now: State[];
  /** What the disk may hold of it. */
  disk: State[];
  marks: Mark[];
  /** Changes under way. */
  active: { id: number; change: Change; place: Place; begin: number }[];
  /** Lists that are told of states that become possible. */
  watchers: State[][];
  /** Bytes from here on lie behind the end of the file, and somebody has stored to them, last at that time: when the page is written they are zeroes
   *  again, whenever that is. So what was seen of it says nothing of later. */
  tail: { from: number; time: number } | null;
  /** It may hold anything: a write of it has failed, and it may have been read again from a block that never held it. */
  isWild: boolean;
}

/** A page with such bytes that lies on the disk, or nowhere yet. */
export function makePage(bytes: Uint8Array, place: 'block' | 'hole'): FilePage {
  const state: State = { bytes, seen: new Set(), born: -1, died: Infinity, isHole: place === 'hole' };
  return pageIn([state]);
}

/** A page in one of some states. */
export function pageIn(states: readonly State[]): FilePage {
  return { now: [...states], disk: [...states], marks: [], active: [], watchers: [], tail: null, isWild: false };
}

/** A change begins: it may happen from now on. */
export function beginChange(page: FilePage, { id, time, change, place }: { id: number; time: number; change: Change; place: Place }): void {
  page.active.push({ id, change, place, begin: time });
  for (let at = 0; at < page.now.length; at++) {
    for (const other of page.active) if (!page.now[at]!.seen.has(other.id)) addState(page, next(page, page.now[at]!, other, time));
  }
}

function next(page: FilePage, state: State, { id, change, place }: FilePage['active'][number], time: number): State {
  const seen = page.active.filter((other) => other.id === id || state.seen.has(other.id)).map((other) => other.id);
  return { bytes: change(state.bytes), seen: new Set(seen), born: time, died: Infinity, isHole: place === 'same' ? state.isHole : place === 'hole' };
}

function addState(page: FilePage, state: State): void {
  if (page.now.some((other) => isSame(page, other, state))) return;
  page.now.push(state);
  page.disk.push(state);
  for (const watcher of page.watchers) watcher.push(state);
}

/** Whether two states can only become the same. */
function isSame({ active }: FilePage, one: State, other: State): boolean {
  return one.isHole === other.isHole && active.every(({ id }) => one.seen.has(id) === other.seen.has(id)) && sameBytes(one.bytes, other.bytes, PAGE);
}

/** A change has happened; as what it is known to be on its way to the disk, null: not at all. */
export function endChange(page: FilePage, id: number, time: number, kind: Mark['kind'] | null): void {
  const change = page.active.find((other) => other.id === id)!;
  page.active = page.active.filter((other) => other !== change);
  keep(page, time, (state) => state.seen.has(id));
  if (kind !== null) page.marks.push({ id, begin: change.begin, end: time, kind });
}

/** A change has happened, or not: nobody can tell. */
export function endChangePerhaps(page: FilePage, id: number): void {
  page.active = page.active.filter((other) => other.id !== id);
}

/** States that are not as they should be are not possible any more. */
export function keep(page: FilePage, time: number, isPossible: (state: State) => boolean): void {
  const kept = page.now.filter(isPossible);
  const different = kept.filter((state, i) => !kept.slice(0, i).some((other) => isSame(page, other, state)));
  for (const state of page.now) if (!different.includes(state)) state.died = time;
  page.now = different;
}

/** The disk has seen what those marks stand for. */
export function acknowledge(page: FilePage, marks: readonly Mark[]): void {
  if (marks.length === 0) return;
  page.disk = page.disk.filter((state) => marks.every(({ id, begin, end, kind }) => (
    state.died > begin && (kind === 'stores' || state.seen.has(id) || state.born >= end))));
  const written = Math.max(...marks.map(({ end, kind }) => (kind === 'cut' ? -1 : end)));
  for (const state of page.disk) if (state.born < written) state.isHole = false;
  if (marks.some(({ kind }) => kind === 'cut')) page.isWild = false;
  forget(page, marks);
}

/** Where a page was written after somebody had stored behind the end of the file, that is zeroes now. */
export function loseTail(page: FilePage, marks: readonly Mark[], time: number): void {
  const { tail } = page;
  if (tail === null || !marks.some(({ kind, begin }) => kind !== 'cut' && begin >= tail.time)) return;
  keep(page, time, ({ bytes }) => bytes.subarray(tail.from).every((byte) => byte === 0));
  page.tail = null;
}

/** Nobody knows what became of those marks: a write has failed. */
export function forget(page: FilePage, marks: readonly Mark[]): void {
  page.marks = page.marks.filter((mark) => !marks.includes(mark));
}

/** The page may have left the memory though a write of it had failed: it holds what the disk may hold, too. */
export function mayBeReadAgain(page: FilePage): void {
  if (mayHaveStaleBlock(page)) page.isWild = true;
  for (const state of [...page.disk]) {
    if (page.now.some((other) => isSame(page, other, state))) continue;
    state.died = Infinity;
    page.now.push(state);
  }
}

/** Whether a hole may have been given a block whose bytes are not written yet: the disk's own records may come before the data. */
export function mayHaveStaleBlock({ disk }: FilePage): boolean {
  const first = Math.min(...disk.map(({ isHole, born }) => (isHole ? born : Infinity)));
  return disk.some(({ isHole, born, bytes }) => born > first && !(isHole && bytes.every((byte) => byte === 0)));
}

/** Whether some bytes of a page from `from` on may be these. */
export function mayHold(states: readonly State[], found: Uint8Array, from: number): boolean {
  return states.some(({ bytes }) => sameBytes(bytes, found, found.length, from));
}

/** What a page holds, where that is certain. */
export function certain({ now }: FilePage): Uint8Array | null {
  return now.every((state) => sameBytes(state.bytes, now[0]!.bytes, PAGE)) ? now[0]!.bytes : null;
}

export function sameBytes(one: Uint8Array, other: Uint8Array, length: number, from = 0): boolean {
  return Buffer.compare(one.subarray(from, from + length), other.subarray(0, length)) === 0;
}
