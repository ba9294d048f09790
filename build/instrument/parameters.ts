// A function's parameters: their names, and what a condition at its entry is given by position. A leading `k`, the machine, is left out.
import * as t from '@babel/types';
import { boundNames } from './syntax.ts';

export type Parameter = t.Function['params'][number];

/** The parameters after a leading `k`; TypeScript's `this` is none. */
export function ownParameters(fn: t.Function): Parameter[] {
  const params = fn.params.filter((param) => !t.isIdentifier(param, { name: 'this' }));
  return t.isIdentifier(params[0], { name: 'k' }) ? params.slice(1) : params;
}

const unwrapped = (param: Parameter): t.Node => (t.isTSParameterProperty(param) ? param.parameter : param);

export const parameterNames = (fn: t.Function): string[] => ownParameters(fn).flatMap((param) => boundNames(unwrapped(param)));

/** How the table shows a parameter: its name, or `{…}` and `[…]` for a destructured one. */
export function shownParameter(param: Parameter): string {
  const node = unwrapped(param);
  if (t.isAssignmentPattern(node)) return shownParameter(node.left as Parameter);
  if (t.isRestElement(node)) return shownParameter(node.argument as Parameter);
  if (t.isIdentifier(node)) return node.name;
  return t.isObjectPattern(node) ? '{…}' : '[…]';
}

/** The value of a parameter, built again from what a pattern took it apart into. */
export function parameterValue(param: t.Node): t.Expression {
  if (t.isTSParameterProperty(param)) return parameterValue(param.parameter);
  if (t.isAssignmentPattern(param)) return parameterValue(param.left);
  if (t.isRestElement(param)) return parameterValue(param.argument);
  if (t.isArrayPattern(param)) return t.arrayExpression(param.elements.map((part) => (part === null ? null : elementValue(part))));
  if (t.isObjectPattern(param)) return t.objectExpression(param.properties.map(propertyValue));
  return t.identifier((param as t.Identifier).name);
}

const elementValue = (part: t.Node): t.Expression | t.SpreadElement =>
  t.isRestElement(part) ? t.spreadElement(parameterValue(part.argument)) : parameterValue(part);

function propertyValue(part: t.ObjectProperty | t.RestElement): t.ObjectProperty | t.SpreadElement {
  if (t.isRestElement(part)) return t.spreadElement(parameterValue(part.argument));
  return t.objectProperty(t.cloneNode(part.key), parameterValue(part.value), part.computed);
}
