// A scenario and the files it imports, read together.
import type { Import } from './generated/ast.ts';
import { parseSource } from './parse.ts';
import type { ParsedSource } from './parse.ts';
import type { Problem } from './problem.ts';
import { rangeOfProperty } from './ranges.ts';
import { stringValue } from './text.ts';

/** Gives the text of a file, or undefined when there is none. Paths are as {@link importPath} makes them. */
export type ReadFile = (path: string) => string | undefined;

export interface LoadedScenario {
  /** The scenario itself first, then each imported file once, in the order they were met. */
  sources: ParsedSource[];
  /** What reading all of them brought up, and imports that lead nowhere. */
  problems: Problem[];
}

/** Reads `text` and, through `read`, what it imports. Files may import each other in circles. */
export function loadScenario(text: string, file: string, read: ReadFile = () => undefined): LoadedScenario {
  const sources = new Map([[normalise(file), parseSource(text, file)]]);
  const problems: Problem[] = [];
  for (const parsed of sources.values()) {
    problems.push(...parsed.problems);
    for (const node of parsed.scenario.imports ?? []) loadImport(parsed, node, sources, read, problems);
  }
  return { sources: [...sources.values()], problems };
}

function loadImport(from: ParsedSource, node: Import, sources: Map<string, ParsedSource>, read: ReadFile, problems: Problem[]): void {
  if (node.path === undefined) return;
  const path = importPath(from.source.file, stringValue(node.path));
  if (sources.has(normalise(path))) return;
  const text = read(path);
  if (text !== undefined) {
    sources.set(normalise(path), parseSource(text, path));
    return;
  }
  problems.push(from.source.problem(rangeOfProperty(node, 'path'), 'error', `There is no file \`${path}\` to import: the path is taken from the folder of this file.`));
}

/** The path that an import in the file `from` means: beside that file, unless it is absolute. */
export function importPath(from: string, path: string): string {
  if (/^(?:\/|[A-Za-z]:[\\/]|[a-z][a-z+.-]+:\/\/)/.test(path)) return path;
  const slash = Math.max(from.lastIndexOf('/'), from.lastIndexOf('\\'));
  return normalise(from.slice(0, slash + 1) + path);
}

/** Without `.` and `a/..` segments, so that one file has one path. */
function normalise(path: string): string {
  const parts: string[] = [];
  for (const part of path.split(/[\\/]/)) {
    if (part === '.' && parts.length > 0) continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..' && parts.at(-1) !== '') parts.pop();
    else parts.push(part);
  }
  return parts[0] === '.' && parts.length > 1 ? parts.slice(1).join('/') : parts.join('/');
}
