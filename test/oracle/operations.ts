// What a program must have called between two snapshots of its maps: read off the difference, without knowing the program.
//
//   heap ends elsewhere                brk
//   range gone                         munmap
//   range with another protection      mprotect
//   range new                          mmap of that length, without a hint: the kernel's own search must find that very place
//   gone, and new with the old offset  mremap

import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import type { Area } from './maps.ts';
import { isAnonymous, isSharedMemory } from './maps.ts';

export type Operation =
  | { call: 'brk'; end: number }
  | { call: 'munmap'; start: number; end: number }
  | { call: 'mprotect'; start: number; end: number; prot: number }
  | { call: 'mremap'; start: number; end: number; to: number; length: number }
  | { call: 'mmap'; start: number; end: number; prot: number; flags: number; area: Area };

const HEAP = '[heap]';
const STACK = '[stack]';

/** A range between two neighbouring boundaries of both snapshots, and the areas it lies in. */
interface Piece {
  start: number;
  end: number;
  old: Area | null;
  now: Area | null;
}

/** Calls that may lead from one to the other, the likeliest first: in which order they were made the snapshots do not say, nor whether memory that is
 *  gone here and new there, or longer than it was, was moved or mapped. The stack grows by itself. */
export function operationsBetween(before: readonly Area[], after: readonly Area[]): Operation[][] {
  const pieces = piecesOf(before.filter(isMapping), after.filter(isMapping));
  const gone = joined(pieces.filter(({ old, now }) => old !== null && (now === null || !isSameMemory(old, now))), () => 0);
  const fresh = joined(pieces.filter(({ old, now }) => now !== null && (old === null || !isSameMemory(old, now))), ({ now }) => after.indexOf(now!));
  const isChanged = ({ old, now }: Piece): boolean => old !== null && now !== null && isSameMemory(old, now) && old.perms !== now.perms;
  const changed = joined(pieces.filter(isChanged), ({ now }) => protOf(now!));
  const found: Found = { brk: brkBetween(before, after), gone, fresh, changed };
  const withOffsets = arrange(found, fresh.flatMap((piece) => moveOf(piece, gone)));
  const grown = arrange(found, fresh.flatMap((piece) => growthOf(piece, before)));
  const all = [withOffsets, mapsFirst(withOffsets), upwards(withOffsets), grown, arrange(found, onlyMove(found))];
  const texts = all.map((operations) => JSON.stringify(operations));
  return all.filter((_, i) => texts.indexOf(texts[i]!) === i);
}

type Move = Extract<Operation, { call: 'mremap' }>;

interface Found {
  brk: Operation[];
  gone: Piece[];
  fresh: Piece[];
  changed: Piece[];
}

/** All of them in an order; what was moved is neither unmapped nor mapped. */
function arrange({ brk, gone, fresh, changed }: Found, moves: readonly Move[]): Operation[] {
  const isMoved = ({ start, end }: Piece): boolean => moves.some((move) => {
    const isSource = move.start === start && move.end === end;
    return isSource || move.to === start || move.to + move.length === end;
  });
  return [
    ...brk, ...moves,
    ...gone.filter((piece) => !isMoved(piece)).map(({ start, end }) => ({ call: 'munmap' as const, start, end })),
    ...changed.map(({ start, end, now }) => ({ call: 'mprotect' as const, start, end, prot: protOf(now!) })),
    ...fresh.filter((piece) => !isMoved(piece)).reverse().map(mapping),
  ];
}

function mapsFirst(operations: readonly Operation[]): Operation[] {
  return [...operations.filter(({ call }) => call === 'mmap'), ...operations.filter(({ call }) => call !== 'mmap')];
}

function upwards(operations: readonly Operation[]): Operation[] {
  return [...operations.filter(({ call }) => call !== 'mmap'), ...operations.filter(({ call }) => call === 'mmap').reverse()];
}

/** An area that became longer at its end: it may have grown where it was. */
function growthOf({ start, end, now }: Piece, before: readonly Area[]): Move[] {
  const old = before.find((area) => area.end === start && area.start >= now!.start && isSameMemory(area, now!));
  return old === undefined ? [] : [{ call: 'mremap', start: old.start, end: old.end, to: old.start, length: end - old.start }];
}

/** Memory that was never touched takes its new address for its offset when it is moved. */
function onlyMove({ gone, fresh }: Found): Move[] {
  const [from, to] = [gone[0], fresh[0]];
  if (gone.length !== 1 || fresh.length !== 1 || !isAnonymous(from!.old!) || !isAnonymous(to!.now!)) return [];
  return [{ call: 'mremap', start: from!.start, end: from!.end, to: to!.start, length: to!.end - to!.start }];
}

/** An operation in words. */
export function describeOperation(operation: Operation): string {
  const hex = (address: number): string => address.toString(16);
  switch (operation.call) {
    case 'brk': return `brk(${hex(operation.end)})`;
    case 'mmap': return `mmap of ${(operation.end - operation.start) / 1024} kB`;
    case 'mremap': return `mremap(${hex(operation.start)}, to ${operation.length / 1024} kB)`;
    case 'munmap': case 'mprotect': return `${operation.call}(${hex(operation.start)}-${hex(operation.end)})`;
  }
}

const isMapping = ({ path }: Area): boolean => path !== HEAP && path !== STACK;

/** Whether it is the same mapping of the same memory, whatever the protection. */
function isSameMemory(a: Area, b: Area): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.path === b.path && a.perms[3] === b.perms[3] && a.offset - a.start === b.offset - b.start;
}

function piecesOf(before: readonly Area[], after: readonly Area[]): Piece[] {
  const bounds = [...new Set([...before, ...after].flatMap(({ start, end }) => [start, end]))].sort((a, b) => a - b);
  const areaAt = (areas: readonly Area[], address: number): Area | null => areas.find(({ start, end }) => start <= address && address < end) ?? null;
  return bounds.slice(0, -1).map((start, i) => ({ start, end: bounds[i + 1]!, old: areaAt(before, start), now: areaAt(after, start) }));
}

/** Neighbouring pieces with the same key as one. */
function joined(pieces: readonly Piece[], key: (piece: Piece) => unknown): Piece[] {
  const runs: Piece[] = [];
  for (const piece of pieces) {
    const last = runs.at(-1);
    if (last !== undefined && last.end === piece.start && key(last) === key(piece)) last.end = piece.end;
    else runs.push({ ...piece });
  }
  return runs;
}

function brkBetween(before: readonly Area[], after: readonly Area[]): Operation[] {
  const [old, now] = [before, after].map((areas) => areas.find(({ path }) => path === HEAP));
  if (now === undefined) return old === undefined ? [] : [{ call: 'brk', end: old.start }];
  return old?.end === now.end ? [] : [{ call: 'brk', end: now.end }];
}

/** Anonymous memory keeps its offset when it is moved: it says where it was. */
function moveOf(piece: Piece, gone: readonly Piece[]): Move[] {
  const now = piece.now!;
  if (!isAnonymous(now) || now.offset === now.start) return [];
  const source = gone.find(({ start, old }) => isAnonymous(old!) && old!.offset + (start - old!.start) === now.offset + (piece.start - now.start));
  return source === undefined ? [] : [{ call: 'mremap', start: source.start, end: source.end, to: piece.start, length: piece.end - piece.start }];
}

function mapping({ start, end, now }: Piece): Operation {
  const area = now!;
  const isAnonymousMemory = isAnonymous(area) || isSharedMemory(area);
  const flags = (area.perms[3] === 's' ? MAP_SHARED : MAP_PRIVATE) | (isAnonymousMemory ? MAP_ANONYMOUS : 0);
  return { call: 'mmap', start, end, prot: protOf(area), flags, area };
}

function protOf({ perms }: Area): number {
  return (perms[0] === 'r' ? PROT_READ : 0) | (perms[1] === 'w' ? PROT_WRITE : 0) | (perms[2] === 'x' ? PROT_EXEC : 0);
}
