// What a check gets besides its node: the file, what names mean, and a place to report to.
import type { AstNode } from 'langium';
import type { Bindings } from '../bindings.ts';
import type { ConstantContext } from '../constant-value.ts';
import type { Declared } from '../declarations.ts';
import type { Machine, Scenario } from '../generated/ast.ts';
import type { LoadedScenario } from '../load.ts';
import type { ParsedSource } from '../parse.ts';
import type { Problem } from '../problem.ts';
import { rangeOf, rangeOfProperty } from '../ranges.ts';
import type { Range } from '../source.ts';
import type { ArchName } from '../vocabulary/settings.ts';
import { machineFacts } from './machine-facts.ts';
import type { MachineFacts } from './machine-facts.ts';

/** A check of one kind of node. */
export type Check<T extends AstNode> = (node: T, context: CheckContext) => void;

export class CheckContext {
  readonly source: ParsedSource;
  readonly bindings: Bindings;
  /** What the machine block of the scenario says, as far as it is understood. */
  readonly facts: MachineFacts;
  private readonly problems: Problem[];
  private readonly toSource: (range: Range) => Range;

  constructor(source: ParsedSource, bindings: Bindings, facts: MachineFacts, problems: Problem[], toSource = (range: Range): Range => range) {
    this.source = source;
    this.bindings = bindings;
    this.facts = facts;
    this.problems = problems;
    this.toSource = toSource;
  }

  /** A context for an expression that was read from a text of its own; `toSource` says where its offsets are in the file. */
  within(toSource: (range: Range) => Range): CheckContext {
    return new CheckContext(this.source, this.bindings, this.facts, this.problems, toSource);
  }

  get arch(): ArchName {
    return this.facts.arch;
  }

  get constants(): ConstantContext {
    return { bindings: this.bindings, arch: this.arch };
  }

  /** Reports a mistake at a node, at what was read into one of its properties, or at a range. */
  error(at: AstNode | Range, message: string, property?: string, index?: number): void {
    this.report('error', at, message, property, index);
  }

  warning(at: AstNode | Range, message: string, property?: string, index?: number): void {
    this.report('warning', at, message, property, index);
  }

  /** ` (line 4)`, or with its file when that is another one. */
  whereIs(declared: Declared): string {
    const { line } = declared.source.source.place(rangeOfProperty(declared.node, 'name').start);
    return declared.source === this.source ? `line ${line}` : `line ${line} of ${declared.source.source.file}`;
  }

  private report(severity: Problem['severity'], at: AstNode | Range, message: string, property?: string, index?: number): void {
    this.problems.push(this.source.source.problem(this.toSource(toRange(at, property, index)), severity, message));
  }
}

/** A context for each file of a scenario; all report to `problems`. */
export function contextsFor(loaded: LoadedScenario, bindings: Bindings, problems: Problem[]): CheckContext[] {
  const facts = machineFacts(machineOf(loaded.sources[0]?.scenario), bindings);
  return loaded.sources.map((source) => new CheckContext(source, bindings, facts, problems));
}

export function machineOf(scenario: Scenario | undefined): Machine | undefined {
  return scenario?.decls.find((decl) => decl.$type === 'Machine');
}

function toRange(at: AstNode | Range, property: string | undefined, index: number | undefined): Range {
  if (!('$type' in at)) return at;
  return property === undefined ? rangeOf(at) : rangeOfProperty(at, property, index);
}
