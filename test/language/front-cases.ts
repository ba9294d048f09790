// Reads the tables of cases beside this file. A table is a text in a mini-notation:
//
//     ## body: let without a value        kind and name of a case; the kind says what is put around it
//     let x =                             the text
//     => 1:8 Expected a value …           what the language says: line:column in the case's own text, and the whole message
//
// A table with only `=>` lines missing is completed by `UPDATE_GOLDENS=1`; look at what it wrote.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Problem } from '../../language/index.ts';

export interface Case {
  kind: string;
  name: string;
  text: string;
  expected: string[];
}

/** What stands around a case's text: the lines before it, and the text after it. */
const FRAMES: Readonly<Record<string, { before: string[]; after: string }>> = {
  file: { before: [], after: '' },
  top: { before: ['machine { memory 64MiB cpus 2 disk sda { } swap sda2 16MiB on sda }'], after: '\nprocess tail { let z = 1 }\n' },
  machine: { before: ['machine {'], after: '\n}\nprocess tail { let z = 1 }\n' },
  body: { before: ['machine { memory 64MiB cpus 2 disk sda { } swap sda2 16MiB on sda } process tail { let z = 1 } def f(a, b) { return a + b }', 'process p { let x = 1 let y = [1, 2]'], after: '\nlet last = 2\n}\n' },
  kernel: { before: ['machine { memory 64MiB }', 'kernel k { let x = 1'], after: '\n}\n' },
  boot: { before: ['machine { memory 64MiB }', 'boot {'], after: '\n}\n' },
};

export function readCases(name: string): Case[] {
  const sections = readFileSync(pathOf(name), 'utf8').split(/^## /m).slice(1);
  return sections.map((section) => {
    const [title = '', ...lines] = section.trimEnd().split('\n');
    const [kind = '', ...rest] = title.split(': ');
    const isExpected = (line: string): boolean => line.startsWith('=> ');
    return { kind, name: rest.join(': '), text: lines.filter((line) => !isExpected(line)).join('\n'), expected: lines.filter(isExpected).map((line) => line.slice(3)) };
  });
}

/** The whole file that a case stands for. */
export function scenarioOf({ kind, text }: Case): string {
  const frame = frameOf(kind);
  return [...frame.before, text].join('\n') + frame.after;
}

/** Problems as a table writes them, with lines counted from the first line of the case's text. */
export function show(problems: readonly Problem[], kind: string): string[] {
  const skipped = frameOf(kind).before.length;
  return problems.map(({ line, column, severity, message }) => `${line - skipped}:${column} ${severity === 'warning' ? 'warning: ' : ''}${message}`);
}

/** Writes a table anew, with what the language says now. */
export function writeCases(name: string, cases: readonly Case[]): void {
  const head = readFileSync(pathOf(name), 'utf8').split(/^## /m)[0]!;
  const sections = cases.map((one) => [`## ${one.kind}: ${one.name}`, one.text, ...one.expected.map((line) => `=> ${line}`)].join('\n'));
  writeFileSync(pathOf(name), `${head}${sections.join('\n\n')}\n`);
}

function frameOf(kind: string): { before: string[]; after: string } {
  const frame = FRAMES[kind];
  if (frame === undefined) throw new Error(`No frame for cases of kind ${kind}`);
  return frame;
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(`./${name}.txt`, import.meta.url));
}
