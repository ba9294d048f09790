// Draws who imports whom, folder by folder, as a mermaid block between two markers of ARCHITECTURE.md, from what dependency-cruiser finds.
// `npm run graph` writes it; `node build/graph.mjs --check` says whether the block in the file is the one the code gives.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const ROOT = path.dirname(import.meta.dirname);
const PAGE = path.join(ROOT, 'ARCHITECTURE.md');
const BEGIN = '<!-- graph:begin -->';
const END = '<!-- graph:end -->';
const ROOMS = ['engine', 'language', 'debug-adapter', 'cli', 'extension', 'build'];

/** Folders that are written by the build or hold no code of the product. */
const LEFT_OUT = /^(language\/generated|build\/eslint)$/;

function cruise() {
  const program = path.join(ROOT, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
  const { stdout, stderr } = spawnSync(process.execPath, [program, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...ROOMS],
    { cwd: ROOT, encoding: 'utf8', maxBuffer: 1 << 27 });
  if (stdout === '') throw new Error(`dependency-cruiser gave nothing: ${stderr}`);
  return JSON.parse(stdout).modules;
}

/** `engine/mm/page_alloc.ts` is in `engine/mm`, `engine/index.ts` in `engine`; null for what the graph leaves out. */
function folderOf(file) {
  const parts = file.split('/').slice(0, -1);
  const folder = parts.slice(0, 2).join('/');
  return ROOMS.includes(parts[0]) && !LEFT_OUT.test(folder) ? folder : null;
}

/** A folder and its own room's top, where the door and the shared types are, go together without an arrow. */
function isOwnRoot(from, to) {
  return from.startsWith(`${to}/`) || to.startsWith(`${from}/`);
}

/** Folders, and `from to` to whether every import between the two is of types only. */
function collect(modules) {
  const folders = new Set();
  const edges = new Map();
  for (const { source, dependencies } of modules) {
    const from = folderOf(source);
    if (from === null || !source.endsWith('.ts')) continue;
    folders.add(from);
    for (const { resolved, dependencyTypes } of dependencies) {
      const to = folderOf(resolved);
      if (to === null || to === from || isOwnRoot(from, to)) continue;
      const edge = `${from} ${to}`;
      edges.set(edge, (edges.get(edge) ?? true) && dependencyTypes.includes('type-only'));
    }
  }
  return { folders: [...folders].sort(), edges };
}

const id = (folder) => folder.replaceAll(/\W/g, '_');

function draw({ folders, edges }) {
  const lines = ['```mermaid', 'flowchart TD'];
  for (const room of ROOMS.filter((name) => folders.some((folder) => folder.startsWith(name)))) {
    lines.push(`  subgraph room_${id(room)}["${room}/"]`);
    for (const folder of folders.filter((name) => name.split('/')[0] === room)) lines.push(`    ${id(folder)}["${folder}"]`);
    lines.push('  end');
  }
  for (const [edge, isTypesOnly] of [...edges].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [from, to] = edge.split(' ');
    lines.push(`  ${id(from)} ${isTypesOnly ? '-.->' : '-->'} ${id(to)}`);
  }
  return [...lines, '```'].join('\n');
}

function main() {
  const page = fs.existsSync(PAGE) ? fs.readFileSync(PAGE, 'utf8') : '';
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`ARCHITECTURE.md needs a line ${BEGIN} and after it a line ${END}, to hold the graph.`);
  const fresh = `${page.slice(0, begin + BEGIN.length)}\n${draw(collect(cruise()))}\n${page.slice(end)}`;
  if (fresh === page) return console.log('graph: fresh');
  if (process.argv.includes('--check')) throw new Error('ARCHITECTURE.md does not draw the imports as they are. Run `npm run graph` and commit the page.');
  fs.writeFileSync(PAGE, fresh);
  return console.log('graph: written to ARCHITECTURE.md');
}

try {
  main();
} catch (error) {
  console.error(`graph: ${error.message}`);
  process.exitCode = 1;
}
