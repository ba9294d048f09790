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
  /** Snapshot files to keep; all that anything is compared with, where this is missing. */
  files?: string[];
}

const DUMP = ['FL', 'PCP', 'ZONE', 'VARS'];
const PAGES = ['A', 'F', 'B-', 'B+', ...DUMP];

/** Snapshots of a program that writes, is idle and calls sync: after the first pages, when all were written, before and behind the periodic walk. */
const DIRTY_TAGS = ['before', 'prog', 'prog-002', 'prog-012', 'idle-006', 'idle-007', 'after-sync'];

const EXCERPTS: readonly Excerpt[] = [
  { folder: '64M-trace-boot', to: /^VARS /, keys: ['BM', 'SL', ...PAGES], tags: ['boot'] },
  { folder: '32M-slabpress-trace', to: /^VARS /, keys: ['BM', ...PAGES], tags: [] },
  { folder: '64M-kops-trace', from: /^MARK kops/, to: /^MARK slab/, keys: ['MARK', 'OP', ...PAGES], tags: [] },
  { folder: '64M-water-trace', from: /^FL /, to: /^VM /, keys: ['WX', 'WF', ...DUMP], tags: [] },
  { folder: '64M-slab8000-trace', from: /^MARK slab/, to: /^MARK vm/, keys: ['SO', 'SL'], tags: [] },
  { folder: '64M-up', keys: [], tags: ['boot'] },
  { folder: '256M-up', keys: [], tags: ['boot'] },
  { folder: '1024M-up', keys: [], tags: ['boot'] },
  {
    folder: '64M-fork1-pf-trace', from: /^FL /, keys: ['PF', 'MARK', ...PAGES], files: ['self_smaps', 'meminfo'],
    tags: ['after-touch', 'parent', 'after-fork', 'parent-after-fork', 'after-child-cow', 'child-after-cow', 'parent-after-cow', 'after-parent-write', 'after-child-exit'],
  },
  { folder: '64M-fork16', keys: [], files: ['self_smaps', 'meminfo'], tags: ['after-touch', 'parent', 'after-fork', 'parent-after-fork', 'after-child-cow', 'child-after-cow', 'parent-after-cow'] },
  { folder: '64M-ops-trace', from: /^FL /, keys: PAGES, files: [], tags: [] },
  { folder: '64M-dirty48-trace', from: /^BDPR /, keys: ['BDPR', 'BDP', 'BGW', 'KUPD'], files: ['meminfo', 'vmstat'], tags: DIRTY_TAGS },
  { folder: '64M-mmapf-trace', from: /^FL /, to: / file_rss 45 /, keys: ['PF', ...PAGES], files: [], tags: [] },
  { folder: '64M-ra-trace', from: /^FL /, to: /^MARK random/, keys: ['PF', 'RA', 'MARK', ...PAGES], tags: [] },
  { folder: '64M-vma-norandmaps', keys: [], tags: ['anon1', 'brk', 'mprotect', 'mprotect-back', 'munmap-hole', 'refill', 'shared-anon', 'anon2', 'smaps'] },
  { folder: '64M-commit-trace', from: /^OC /, keys: ['OC'], files: ['meminfo'], tags: ['commit', 'commit-002', 'commit-003', 'commit-004', 'commit-005', 'commit-006'] },
];

/** Log lines that say what machine it is, how its memory came up, what was read when, and what the program said. */
const LOG_LINE = /BIOS-e820|^Kernel command line|^\[snapshot |^@@ (?:mode|written|idle) |HIGHMEM available|LOWMEM available|On node|zone:|zonelists|hash table entries|^Memory:/;

function cut(recordings: string, golden: string, excerpt: Excerpt): void {
  const recording = readRecording(path.join(recordings, excerpt.folder));
  const folder = path.join(golden, excerpt.folder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'log.txt'), textOf(recording.log.filter((line) => LOG_LINE.test(line))));
  if (recording.trace !== null) writeFileSync(path.join(folder, 'trace.txt.gz'), gzipSync(textOf(cutTrace(recording.trace, excerpt)), { level: 9 }));
  for (const tag of excerpt.tags) writeSnapshot(recording, tag, { folder: path.join(folder, tag), files: excerpt.files ?? null });
}

function cutTrace(trace: readonly string[], { from, to, keys }: Excerpt): string[] {
  const first = from === undefined ? 0 : trace.findIndex((line) => from.test(line));
  const last = to === undefined ? trace.length : trace.findIndex((line, at) => at > first && to.test(line));
  return trace.slice(first, last + 1).filter((line) => keys.includes(line.split(' ', 1)[0]!));
}

function writeSnapshot(recording: Recording, tag: string, { folder, files }: { folder: string; files: readonly string[] | null }): void {
  mkdirSync(folder);
  const snapshot = recording.snapshots.find((other) => other.tag === tag);
  for (const [name, text] of Object.entries(snapshot?.files ?? {})) if (files === null || files.includes(name)) writeFileSync(path.join(folder, `${name}.txt`), text);
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
