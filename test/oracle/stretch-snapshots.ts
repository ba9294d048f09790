// Snapshots that were taken while the recorder was on: no line says where, but their order is known. Somewhere in the engine's course its processes
// must show each of them, one after the other: smaps to the letter, and of meminfo the rows that processes alone make (KERNEL.md PR-3, PR-7, R-4,
// IV-12, IV-15).

import { meminfo } from '../../engine/fs/proc/files.ts';
import { proc_smaps } from '../../engine/fs/proc/task_mmu.ts';
import { parseMaps } from './maps.ts';
import type { ProcessPlan } from './processes.ts';
import type { SnapshotFile } from './recording.ts';
import type { Stretch } from './stretch.ts';

/** Rows of meminfo that processes make. */
export const ROWS = ['AnonPages', 'Mapped', 'PageTables', 'Committed_AS'];
/** What the program reads when it takes the trace: the stretch ends there. */
const TRACE_FILE = 'mmtrace';

/** Which snapshots the stretch must show: from the smaps that it begins with up to where the trace was taken, and at its end the first meminfo after
 *  that. Without such a smaps nothing tells what was before the recorder was on. */
export function beginSnapshots(stretch: Stretch, plans: readonly ProcessPlan[], all: readonly SnapshotFile[]): void {
  const snapshots = all.filter(({ name, text }) => name === TRACE_FILE || text !== '');
  const taken = snapshots.findIndex(({ name }) => name === TRACE_FILE);
  if (taken < 0) return;
  const first = snapshots.findIndex((snapshot, at) => at < taken && snapshot.name === 'self_smaps' && plans.some(({ source }) => source === whereOf(snapshot)));
  if (first < 0) return;
  const baseline = snapshots.slice(0, first).reverse().find(({ name }) => name === 'meminfo');
  const isCounted = baseline !== undefined && setOffsets(stretch, baseline);
  const shape = shapeOf(snapshots[first]!);
  const other = snapshots.findIndex((file, at) => at > first && file.name === 'self_smaps' && shapeOf(file) !== shape);
  const after = snapshots.findIndex(({ name }, at) => at > taken && name === 'meminfo');
  const shown = (file: SnapshotFile): boolean => file.name === 'self_smaps' || (file.name === 'meminfo' && isCounted);
  stretch.expected = snapshots.slice(first, other < 0 ? taken : Math.min(other, taken)).filter(shown);
  stretch.atEnd = after < 0 || (other >= 0 && other < after) ? [] : snapshots.slice(after, after + 1).filter(shown);
}

const whereOf = ({ tag, name }: SnapshotFile): string => `${tag}/${name}.txt`;

/** The areas of a smaps: memory that was mapped or unmapped meanwhile is not in the lines. */
function shapeOf({ text }: SnapshotFile): string {
  return JSON.stringify(parseMaps(text).map(({ start, end, perms }) => [start, end, perms]));
}

/** What the kernel had more at the beginning. False where it had less: then something happened between the two snapshots. */
function setOffsets(stretch: Stretch, baseline: SnapshotFile): boolean {
  const kernel = rowsOf(baseline.text);
  const engine = meminfo(stretch.observer.k);
  for (const row of ROWS) stretch.offsets[row] = (kernel[row] ?? 0) - engine[row]!;
  return ROWS.every((row) => stretch.offsets[row]! >= 0);
}

/** Rows of a meminfo, kB. */
export function rowsOf(text: string): Record<string, number> {
  return Object.fromEntries([...text.matchAll(/^(\w+): +(\d+) kB$/gm)].map(([, row, kB]) => [row!, Number(kB)]));
}

/** What can be compared of smaps: the vdso has no name in the engine. */
export function withoutVdso(text: string): string {
  return text.replace(/ *\[vdso\]$/gm, ' ');
}

/** Every snapshot that the machine shows now, in order. */
export function lookForSnapshots(stretch: Stretch): void {
  while (stretch.expected.length > 0 && isShown(stretch, stretch.expected[0]!)) {
    stretch.expected.shift();
    stretch.checks.snapshots.total++;
    stretch.checks.snapshots.same++;
  }
}

function isShown(stretch: Stretch, file: SnapshotFile): boolean {
  if (file.name === 'meminfo') return JSON.stringify(shownRows(stretch)) === JSON.stringify(recordedRows(file));
  return [...stretch.processes.values()].some(({ task }) => proc_smaps(stretch.observer.k, task) === withoutVdso(file.text));
}

function shownRows(stretch: Stretch): string[] {
  const engine = meminfo(stretch.observer.k);
  return ROWS.map((row) => `${row} ${engine[row]! + stretch.offsets[row]!}`);
}

/** Those rows of a meminfo file, in words. */
export function recordedRows(file: SnapshotFile): string[] {
  const rows = rowsOf(file.text);
  return ROWS.map((row) => `${row} ${rows[row]}`);
}

/** Those that the engine never showed. */
export function endSnapshots(stretch: Stretch): void {
  lookForSnapshots(stretch);
  const { snapshots } = stretch.checks;
  if (stretch.isUncertain) return;
  for (const file of [...stretch.expected, ...stretch.atEnd]) {
    snapshots.total++;
    if (stretch.atEnd.includes(file) && isShown(stretch, file)) {
      snapshots.same++;
      continue;
    }
    snapshots.difference ??= {
      where: whereOf(file), kernel: file.name === 'meminfo' ? recordedRows(file).join(', ') : figuresOf(file.text),
      engine: `has no moment that shows this; at the end: ${file.name === 'meminfo' ? shownRows(stretch).join(', ') : shownFigures(stretch)}`,
    };
  }
}

function figuresOf(text: string): string {
  const sections = text.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m).map((section) => {
    const figures = [...section.matchAll(/^(Rss|Shared_Clean|Shared_Dirty|Private_Clean|Private_Dirty): +([1-9]\d*) kB/gm)].map(([, label, kB]) => `${label} ${kB}`);
    return `${section.split(' ', 1)[0]} ${figures.join(' ')}`.trim();
  });
  return sections.join('; ');
}

function shownFigures(stretch: Stretch): string {
  return [...stretch.processes.values()].map(({ pid, task }) => `process ${pid}: ${figuresOf(proc_smaps(stretch.observer.k, task))}`).join('. ') || 'no process is left';
}
