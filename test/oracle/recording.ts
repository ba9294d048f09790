// A folder that a real 2.6.18 left behind (its INDEX.md says how): a kernel log, /proc snapshots by tag, and a trace unless the kernel was untouched.
// Nothing here knows a size or a figure of any particular recording.

import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

export interface Recording {
  name: string;
  /** Lines of the trace; null where the kernel had no recorder. */
  trace: string[] | null;
  log: string[];
  snapshots: Snapshot[];
}

/** What was read from /proc at one moment, by file name without `.txt`. */
export interface Snapshot {
  tag: string;
  files: Record<string, string>;
}

/** One file of a snapshot, `self_maps`, with where in the recording it is. */
export interface SnapshotFile {
  tag: string;
  name: string;
  text: string;
}

/** Snapshot files that something is compared with; the others are not read. */
const READ_FILES = [
  'zoneinfo', 'buddyinfo', 'meminfo', 'vmstat', 'sysvm', 'sysrq-m', 'slabinfo', 'self_maps', 'self_smaps', 'self_status', 'self_statm',
];

/** The snapshots' files in the order in which they were taken, as the log tells; `/proc/self/maps` is the file self_maps. A file that was asked for
 *  and is not there (the trace itself) has no text. */
export function snapshotsInOrder({ log, snapshots }: Recording): SnapshotFile[] {
  const files: SnapshotFile[] = [];
  for (const line of log) {
    const m = /\[snapshot (\S+) \/proc\/(\S+) #(\d+)\]/.exec(line);
    if (!m) continue;
    const tag = m[3] === '1' ? m[1]! : `${m[1]}-${m[3]!.padStart(3, '0')}`;
    const name = m[2]!.replaceAll('/', '_');
    files.push({ tag, name, text: snapshots.find((snapshot) => snapshot.tag === tag)?.files[name] ?? '' });
  }
  return files;
}

/** The recordings that a folder stands for: itself, or, where it is none, those directly in it. */
export function recordingsIn(folder: string): string[] {
  const isRecording = (name: string): boolean => ['log.txt', 'trace.txt', 'trace.txt.gz'].some((file) => existsSync(path.join(name, file)));
  if (!existsSync(folder) || !statSync(folder).isDirectory() || isRecording(folder)) return [folder];
  const inside = readdirSync(folder).sort().map((name) => path.join(folder, name)).filter(isRecording);
  return inside.length === 0 ? [folder] : inside;
}

/** Reads a folder. Throws where it is none, or holds neither a log nor a trace. */
export function readRecording(folder: string): Recording {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new Error(`${folder}: no such folder`);
  const trace = readText(folder, 'trace.txt');
  const log = readText(folder, 'log.txt');
  if (trace === null && log === null) throw new Error(`${folder}: neither a log.txt nor a trace.txt: not a recording`);
  const name = path.basename(path.resolve(folder));
  return { name, trace: trace === null ? null : linesOf(trace), log: log === null ? [] : linesOf(log), snapshots: readSnapshots(folder) };
}

/** A text file, or its gzipped form; null where there is neither. The log may hold bytes that are no UTF-8. */
function readText(folder: string, name: string): string | null {
  const plain = path.join(folder, name);
  if (existsSync(plain)) return readFileSync(plain, 'latin1');
  if (existsSync(`${plain}.gz`)) return gunzipSync(readFileSync(`${plain}.gz`)).toString('latin1');
  return null;
}

function linesOf(text: string): string[] {
  return text.split('\n').map((line) => line.replace(/\r$/, ''));
}

function readSnapshots(folder: string): Snapshot[] {
  const tags = readdirSync(folder).sort().filter((name) => statSync(path.join(folder, name)).isDirectory());
  return tags.map((tag) => ({ tag, files: readFiles(path.join(folder, tag)) }));
}

function readFiles(folder: string): Record<string, string> {
  const files: Record<string, string> = {};
  for (const name of READ_FILES) {
    const text = readText(folder, `${name}.txt`);
    if (text !== null) files[name] = text;
  }
  return files;
}
