// The door of the language: everything that needs the grammar. What runs a compiled scenario is behind language/runtime/index.ts.
export type { Bindings, Occurrence, Use } from './bindings.ts';
export { checkScenario } from './check.ts';
export type { CheckOptions, CheckedScenario } from './check.ts';
export { constantOf, signedValue } from './constant-value.ts';
export type { Declaration, Declared } from './declarations.ts';
export { importPath, loadScenario } from './load.ts';
export type { LoadedScenario, ReadFile } from './load.ts';
export { parseExpression, parseSource } from './parse.ts';
export type { ParsedExpression, ParsedSource } from './parse.ts';
export { hasErrors, sortProblems } from './problem.ts';
export type { Problem } from './problem.ts';
export { rangeOf, rangeOfKeyword, rangeOfProperty } from './ranges.ts';
export { Source } from './source.ts';
export type { Range } from './source.ts';
export { parseLogText, stringValue } from './text.ts';
export type { LogPart, LogText } from './text.ts';
export { compileChecked, compileExpression, compileScenario } from './compiler/compile.ts';
export type { CompiledExpression, CompiledScenario } from './compiler/compile.ts';
