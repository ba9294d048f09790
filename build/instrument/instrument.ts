// Instruments one TypeScript module. Types stay in: esbuild strips them afterwards.
import { createHash } from 'node:crypto';
import path from 'node:path';
import generatorModule from '@babel/generator';
import { parse } from '@babel/parser';
import traverseModule, { type NodePath } from '@babel/traverse';
import * as t from '@babel/types';
import { callTest } from './calls.ts';
import { problem, type FileContext } from './context.ts';
import { fileMode, isExemptFunction, type FileMode } from './exempt.ts';
import { exportedNames, functionName, instrumentFunction, instrumentTracepoint } from './functions.ts';
import { HOOK_NAMES, HOOKS_MODULE, isReserved, name } from './nodes.ts';
import { Positions } from './positions.ts';
import type { Tables } from './tables.ts';

/** @babel's packages are CommonJS: Node gives their whole exports as the default, a bundler the default in it. */
const unwrap = <T extends object>(module: T): T => ('default' in module ? (module.default as T) : module);
const traverse = unwrap(traverseModule);
const generate = unwrap(generatorModule);

export interface InstrumentOptions {
  /** Does the function of this name from this module pass no hook? The path is below the checkout. */
  isExempt?: (file: string, importedName: string) => boolean;
}

export type SourceMap = NonNullable<ReturnType<typeof generate>['map']>;

export interface Instrumented {
  code: string;
  /** From the code to the original text; null for an exempt file, whose code is unchanged. */
  map: SourceMap | null;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

type FunctionPath = NodePath<t.Function>;

const isExemptPath = (fn: FunctionPath): boolean => isExemptFunction(fn.node, fn.getAncestry().slice(1).map((one) => one.node));

/** All functions with a body, in order of the source, without exempt ones and what is inside them. */
function collectFunctions(ast: t.File): { functions: FunctionPath[]; exempt: FunctionPath[] } {
  const functions: FunctionPath[] = [];
  const exempt: FunctionPath[] = [];
  traverse(ast, {
    Function(fn) {
      if (!fn.node.body) return;
      if (!isExemptPath(fn)) {
        functions.push(fn);
        return;
      }
      exempt.push(fn);
      fn.skip();
    },
  });
  return { functions: functions.sort((a, b) => a.node.start! - b.node.start!), exempt };
}

const importedName = ({ imported }: t.ImportSpecifier): string => (t.isIdentifier(imported) ? imported.name : imported.value);

function exemptImports(ast: t.File, file: string, isExempt: NonNullable<InstrumentOptions['isExempt']>): string[] {
  return ast.program.body.filter((node) => t.isImportDeclaration(node)).flatMap(({ source, specifiers }) => {
    const target = source.value.startsWith('.') ? path.posix.join(path.posix.dirname(file), source.value) : source.value;
    return specifiers.filter((one) => t.isImportSpecifier(one) && isExempt(target, importedName(one))).map((one) => one.local.name);
  });
}

function checkReservedNames(file: FileContext, ast: t.File): void {
  t.traverseFast(ast, (node) => {
    if (t.isIdentifier(node) && isReserved(node.name)) problem(file, node, `the name \`${node.name}\` belongs to the instrumented build`);
  });
}

/** Imports exactly the hooks the code uses. */
function importHooks(ast: t.File): void {
  const used = new Set<string>();
  t.traverseFast(ast, (node) => {
    if (t.isIdentifier(node)) used.add(node.name);
  });
  const names = HOOK_NAMES.filter((one) => used.has(one));
  if (names.length === 0) return;
  ast.program.body.unshift(t.importDeclaration(names.map((one) => t.importSpecifier(name(one), name(one))), t.stringLiteral(HOOKS_MODULE)));
}

/** An async function would leave the task's stack at each await: the engine has generators for that. */
function isSynchronous(file: FileContext, fn: FunctionPath): boolean {
  if (fn.node.async) problem(file, fn.node, `${functionName(fn)}: an async function cannot be followed`);
  return !fn.node.async;
}

function rewrite(file: FileContext, ast: t.File, functions: FunctionPath[], mode: FileMode): void {
  const exported = exportedNames(ast.program);
  for (const fn of functions.filter((one) => isSynchronous(file, one))) {
    if (mode === 'full') instrumentFunction(file, fn, exported);
    else if (fn.getFunctionParent() === null && exported.has(functionName(fn))) instrumentTracepoint(file, fn, exported);
  }
  importHooks(ast);
}

/**
 * Adds hooks and frames to a module's text.
 * @param code the text
 * @param file its path below the checkout, with forward slashes: it names the file in the tables and in the map
 * @param tables grows by the file, its functions, places and problems
 * @throws SyntaxError, by the parser
 */
export function instrument(code: string, file: string, tables: Tables, options: InstrumentOptions = {}): Instrumented {
  const text = code.replaceAll('\r\n', '\n');
  const fileId = tables.files.push({ path: file, sha256: sha256(text) }) - 1;
  const mode = fileMode(text);
  if (mode === 'exempt') return { code: text, map: null };
  const ast = parse(text, { sourceType: 'module', plugins: ['typescript'], tokens: true });
  const { functions, exempt } = collectFunctions(ast);
  const exemptNames = new Set([...exempt.map(functionName), ...exemptImports(ast, file, options.isExempt ?? (() => false))]);
  const comesBack = callTest(exemptNames);
  const context: FileContext = { file: fileId, path: file, tables, positions: new Positions(ast), comesBack, around: new Map() };
  checkReservedNames(context, ast);
  rewrite(context, ast, functions, mode);
  const out = generate(ast, { sourceMaps: true, sourceFileName: file, comments: false }, text);
  return { code: out.code, map: out.map };
}
