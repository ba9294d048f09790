// Expressions outside of bodies: conditions, top-level expectations, log texts, watches. They only look, so a call that acts is an error.
import type { Expr, Expect, Stop } from '../generated/ast.ts';
import { rangeOf, rangeOfProperty } from '../ranges.ts';
import { stopEvent } from '../stop-events.ts';
import { parseLogText, stringValue } from '../text.ts';
import { contextsOf } from '../vocabulary/calls.ts';
import type { Expectation, ExpressionData, LogText, StopOn } from '../runtime/program.ts';
import { findActing } from './acting.ts';
import type { Builder } from './builder.ts';
import { newBuilder, problem } from './builder.ts';
import type { Compilation } from './compilation.ts';
import { complain, spanOf, textOf } from './compilation.ts';
import { signedOf } from './constants.ts';
import { lower } from './expressions.ts';
import { notModelled } from './not-modelled.ts';

/** What an expression outside of bodies may leave to the place where it is evaluated, and where its tree stands. */
export type Surroundings = Partial<Pick<Builder, 'isFree' | 'locate'>>;

/** Lowers an expression that may not act: no instruction comes of it. */
export function lowerPure(compilation: Compilation, file: number, node: Expr, surroundings: Surroundings = {}): ExpressionData {
  const nowhere = { ...compilation, routines: [{ name: '', kind: 'def' as const, parameters: [], slots: 0, locals: [], code: [] }] };
  const builder = { ...newBuilder(nowhere, file, 0, null), ...surroundings };
  const acting = findActing(builder, node);
  if (acting === undefined) return lower(builder, node);
  problem(builder, acting.callee, whyNot(builder, textOf(compilation, file, acting.callee)));
  return { kind: 'literal', value: 0, at: spanOf(compilation, file, { start: 0, end: 0 }) };
}

export function lowerTopExpect(compilation: Compilation, file: number, node: Expect): Expectation {
  const condition = lowerPure(compilation, file, node.condition);
  const message = node.message === undefined ? null : stringValue(node.message);
  return { condition, text: textOf(compilation, file, node.condition), message, ...spanOf(compilation, file, rangeOf(node)) };
}

/** A `stop on`: the parameters of what it stops in have their values there, so names are free, and win over constants of the same name. */
export function lowerStop(compilation: Compilation, file: number, node: Stop): StopOn {
  if (stopEvent(node.event).kind === 'later') complain(compilation, file, rangeOfProperty(node, 'event'), notModelled(node.event));
  const isFree = (name: string): boolean => compilation.bindings.consts.has(name);
  return {
    event: node.event,
    when: node.when === undefined ? null : lowerPure(compilation, file, node.when, { isFree }),
    hits: node.hits === undefined ? null : Number(signedOf(compilation, file, node.hits)),
    log: node.log === undefined ? null : lowerLog(compilation, file, node, isFree),
    ...spanOf(compilation, file, rangeOf(node)),
  };
}

function lowerLog(compilation: Compilation, file: number, node: Stop, isFree: (name: string) => boolean): LogText {
  const literal = rangeOfProperty(node, 'log').start;
  const { parts } = parseLogText(node.log!);
  return {
    parts: parts.map((part) => {
      if (part.kind === 'text') return part.text;
      const { offsets } = part;
      const locate: Builder['locate'] = ({ start, end }) => ({ start: literal + offsets[start]!, end: literal + offsets[end]! });
      return lowerPure(compilation, file, part.expression, { isFree, locate });
    }),
  };
}

function whyNot({ compilation }: Builder, name: string): string {
  if (contextsOf(name).length === 0 && !compilation.bindings.defs.has(name)) return `There is no function \`${name}\`.`;
  return `\`${name}\` acts, and an expression here may only look.`;
}
