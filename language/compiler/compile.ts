// The compiler: from a scenario's text to a program as data (runtime/program.ts). What is wrong is told, never thrown.
import { bindScenario } from '../bindings.ts';
import { checkScenario } from '../check.ts';
import type { CheckedScenario } from '../check.ts';
import type { ReadFile } from '../load.ts';
import { parseExpression } from '../parse.ts';
import type { ParsedSource } from '../parse.ts';
import { hasErrors, sortProblems } from '../problem.ts';
import type { Problem } from '../problem.ts';
import { Source } from '../source.ts';
import { stringValue } from '../text.ts';
import type { Decl } from '../generated/ast.ts';
import { default_config } from '../../engine/index.ts';
import { machineFacts } from '../validation/machine-facts.ts';
import type { ArchName } from '../vocabulary/settings.ts';
import type { ExpressionData, ProgramData } from '../runtime/program.ts';
import type { Compilation } from './compilation.ts';
import { newCompilation } from './compilation.ts';
import { valueOfConstant } from './constants.ts';
import { machineConfig } from './machine.ts';
import { lowerPure, lowerStop, lowerTopExpect } from './pure.ts';
import { lowerBody, lowerDefs, lowerKernel, lowerProcess } from './tasks.ts';

export interface CompiledScenario {
  /** Null when there are errors. */
  program: ProgramData | null;
  /** Of all files, in the order of their texts. */
  problems: Problem[];
}

export interface CompiledExpression {
  /** Null when there are errors. */
  expression: ExpressionData | null;
  /** Lines and columns are those of the expression's own text. */
  problems: Problem[];
}

/** Compiles a scenario and what it imports through `read`. */
export function compileScenario(text: string, file: string, read?: ReadFile): CompiledScenario {
  return compileChecked(checkScenario(text, file, read === undefined ? {} : { read }));
}

/** Compiles what has been read and checked; its problems and what the machine cannot do yet come together, as an editor shows them. */
export function compileChecked(checked: CheckedScenario): CompiledScenario {
  if (hasErrors(checked.problems)) return { program: null, problems: checked.problems };
  const machine = checked.sources[0]!.scenario.decls.find((node) => node.$type === 'Machine');
  const compilation = newCompilation(checked.sources, checked.bindings, machineFacts(machine, checked.bindings).arch);
  const program = assemble(compilation);
  const problems = sortProblems([...checked.problems, ...compilation.problems]);
  return { program: hasErrors(problems) ? null : program, problems };
}

/**
 * Compiles a condition, a watch or a hover. Names that it does not know are left free: those of `names` even where a constant of
 * Linux has the same (`order`), for parameters and locals win. The constants are those of `arch`.
 */
export function compileExpression(text: string, names: readonly string[] = [], arch: ArchName = 'i386'): CompiledExpression {
  const parsed = parseExpression(text);
  if (parsed.expression === null) return { expression: null, problems: parsed.problems };
  const compilation = newCompilation([sourceOf(text)], bindScenario({ sources: [], problems: [] }), arch);
  const expression = lowerPure(compilation, 0, parsed.expression, { isFree: (name) => names.includes(name) });
  const problems = [...parsed.problems, ...compilation.problems];
  return { expression: hasErrors(problems) ? null : expression, problems };
}

/** An expression as a file of its own. */
function sourceOf(text: string): ParsedSource {
  return { source: new Source('', text), scenario: { $type: 'Scenario', decls: [], imports: [] }, problems: [] };
}

function assemble(compilation: Compilation): ProgramData {
  const { sources } = compilation;
  const program: ProgramData = {
    file: sources[0]!.source.file, files: sources.map(({ source }) => source.file), config: default_config(), constants: {},
    routines: compilation.routines, boot: null, statements: compilation.statements, stops: [], expectations: [], expectedBugs: [],
  };
  for (const node of sources[0]!.scenario.decls) addDeclaration(compilation, program, node);
  lowerDefs(compilation);
  for (const name of compilation.bindings.consts.keys()) program.constants[name] = valueOfConstant(compilation, name)!;
  return program;
}

/** Of imported files only `def`s and `const`s count, and those are found by their names. */
function addDeclaration(compilation: Compilation, program: ProgramData, node: Decl): void {
  const file = 0;
  switch (node.$type) {
    case 'Machine': program.config = { ...machineConfig(compilation, file, node), tasks: program.config.tasks }; break;
    case 'Kernel': program.config.tasks.push(lowerKernel(compilation, file, node)); break;
    case 'Boot': program.boot = lowerBody(compilation, file, { name: 'boot', kind: 'boot', block: node.body! }); break;
    case 'Stop': program.stops.push(lowerStop(compilation, file, node)); break;
    case 'Expect': program.expectations.push(lowerTopExpect(compilation, file, node)); break;
    case 'ExpectsBug': program.expectedBugs.push(stringValue(node.text)); break;
    case 'Process': program.config.tasks.push(...lowerProcess(compilation, file, node)); break;
    default:
  }
}
