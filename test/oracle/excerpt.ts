// `tsx test/oracle/excerpt.ts RECORDINGS GOLDEN`: cuts the small recordings of test/golden/oracle out of the whole ones. What is kept of a folder is
// a recording of the same form, so that the tests judge it as `npm run oracle` judges the whole.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Recording } from './recording.ts';
import { readRecording } from './recording.ts';

interface Excerpt {
  folder: string;
  /** The trace from this line to that one, both included; without them, all of it. */
  from?: RegExp;
  to?: RegExp;
  /** Keys of trace lines to keep. */
  keys: string[];
  tags: string[];
}

const DUMP = ['FL', 'PCP', 'ZONE', 'VARS'];
const PAGES = ['A', 'F', 'B-', 'B+', ...DUMP];

const EXCERPTS: readonly Excerpt[] = [
  { folder: '64M-trace-boot', to: /^VARS /, keys: ['BM', 'SL', ...PAGES], tags: ['boot'] },
  { folder: '32M-slabpress-trace', to: /^VARS /, keys: ['BM', ...PAGES], tags: [] },
  { folder: '64M-kops-trace', from: /^MARK kops/, to: /^MARK slab/, keys: ['MARK', 'OP', ...PAGES], tags: [] },
  { folder: '64M-water-trace', from: /^FL /, to: /^VM /, keys: ['WX', 'WF', ...DUMP], tags: [] },
  { folder: '64M-slab8000-trace', from: /^MARK slab/, to: /^MARK vm/, keys: ['SO', 'SL'], tags: [] },
  { folder: '64M-up', keys: [], tags: ['boot'] },
  { folder: '256M-up', keys: [], tags: ['boot'] },
  { folder: '1024M-up', keys: [], tags: ['boot'] },
];

/** Log lines that say what machine it is and how its memory came up. */
const LOG_LINE = /BIOS-e820|HIGHMEM available|LOWMEM available|On node|zone:|zonelists|hash table entries|^Memory:/;

function cut(recordings: string, golden: string, excerpt: Excerpt): void {
  const recording = readRecording(path.join(recordings, excerpt.folder));
  const folder = path.join(golden, excerpt.folder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'log.txt'), textOf(recording.log.filter((line) => LOG_LINE.test(line))));
  if (recording.trace !== null) writeFileSync(path.join(folder, 'trace.txt.gz'), gzipSync(textOf(cutTrace(recording.trace, excerpt)), { level: 9 }));
  for (const tag of excerpt.tags) writeSnapshot(recording, tag, path.join(folder, tag));
}

function cutTrace(trace: readonly string[], { from, to, keys }: Excerpt): string[] {
  const first = from === undefined ? 0 : trace.findIndex((line) => from.test(line));
  const last = to === undefined ? trace.length : trace.findIndex((line, at) => at > first && to.test(line));
  return trace.slice(first, last + 1).filter((line) => keys.includes(line.split(' ', 1)[0]!));
}

function writeSnapshot(recording: Recording, tag: string, folder: string): void {
  mkdirSync(folder);
  const snapshot = recording.snapshots.find((other) => other.tag === tag);
  for (const [name, text] of Object.entries(snapshot?.files ?? {})) writeFileSync(path.join(folder, `${name}.txt`), text);
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

const [recordings, golden] = process.argv.slice(2);
if (recordings === undefined || golden === undefined) {
  console.error('usage: tsx test/oracle/excerpt.ts RECORDINGS GOLDEN');
  process.exitCode = 2;
} else {
  for (const excerpt of EXCERPTS) cut(recordings, golden, excerpt);
}
