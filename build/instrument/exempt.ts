// Which files and functions the instrumenter leaves alone, by marks in comments; and which imports, for that, pass no hook.
import * as t from '@babel/types';

/** `exempt`: `@nohooks` in the file's first comment block; `tracepoints`: `@tracepoints` there; `full`: everything else. */
export type FileMode = 'full' | 'tracepoints' | 'exempt';

/** The comment a file begins with: one block comment, or line comments on consecutive lines. */
export function headComment(code: string): string {
  const text = code.replace(/^(?:#!.*\n|\s)+/, '');
  if (text.startsWith('/*')) return text.slice(0, text.indexOf('*/'));
  return /^(?:[ \t]*\/\/.*(?:\n|$))*/.exec(text)![0];
}

export function fileMode(code: string): FileMode {
  const head = headComment(code);
  if (/@nohooks\b/.test(head)) return 'exempt';
  return /@tracepoints\b/.test(head) ? 'tracepoints' : 'full';
}

const isMarked = (node: t.Node): boolean => (node.leadingComments ?? []).some((comment) => /@nohooks\b/.test(comment.value));

const carriesComment = (node: t.Node): boolean =>
  t.isVariableDeclarator(node) || t.isVariableDeclaration(node) || t.isExportDeclaration(node) || t.isObjectProperty(node);

/** Is the function marked `@nohooks`? `ancestors` go from its parent outwards. */
export function isExemptFunction(node: t.Node, ancestors: t.Node[]): boolean {
  if (isMarked(node)) return true;
  for (const ancestor of ancestors) {
    if (!carriesComment(ancestor)) return false;
    if (isMarked(ancestor)) return true;
  }
  return false;
}

const DECLARED_EXPORT = /^[ \t]*export\s+(?:default\s+)?(?:function\s*\*?|const|let|var|class)\s+([\w$]+)/gm;

const declaredExports = (text: string): Set<string> => new Set([...text.matchAll(DECLARED_EXPORT)].map((match) => match[1]!));

/**
 * Does what a module exports under a name pass no hook? An exempt index door only hands on functions of other modules, which may
 * well pass some: an export counts as exempt if the exempt file itself declares it.
 * @param texts the modules, by path below the checkout
 */
export function exemptExports(texts: Map<string, string>): (file: string, importedName: string) => boolean {
  const exempt = new Map([...texts].filter(([, text]) => fileMode(text) === 'exempt').map(([file, text]) => [file, declaredExports(text)]));
  return (file, importedName) => exempt.get(file)?.has(importedName) ?? false;
}
