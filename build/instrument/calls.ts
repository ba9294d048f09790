// Which calls may come back to engine code, and so need the caller to have a frame: all but those known not to. Known are
// functions of exempt modules, the language's own functions, and methods of arrays, maps and strings, unless a function is handed in.
import * as t from '@babel/types';
import { bare, type Call, type ComesBack } from './syntax.ts';

/** Global objects whose functions call back only a function they are given. */
const GLOBALS = new Set(
  ('Array ArrayBuffer BigInt BigInt64Array BigUint64Array Boolean DataView Date Error Float32Array Float64Array Int16Array Int32Array Int8Array ' +
    'JSON Map Math Number Object RangeError RegExp Set String Symbol TypeError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap ' +
    'isFinite isNaN parseFloat parseInt structuredClone').split(' '),
);

/** Methods of arrays, typed arrays, maps, sets, strings and numbers that take no function. */
const METHODS = new Set(
  ('add at charAt charCodeAt clear codePointAt concat copyWithin delete endsWith entries fill get has includes indexOf join keys lastIndexOf ' +
    'localeCompare normalize padEnd padStart pop push repeat reverse set shift slice splice split startsWith subarray substring toFixed ' +
    'toLowerCase toString toUpperCase trim trimEnd trimStart unshift values with').split(' '),
);

/** `ops.get(k, …)` is a call through a table of functions, whatever its name: the machine goes first. */
const passesKernel = (call: Call): boolean => t.isIdentifier(call.arguments[0], { name: 'k' });

function isKnownMethod(callee: t.MemberExpression | t.OptionalMemberExpression): boolean {
  const object = bare(callee.object);
  if (t.isIdentifier(object) && GLOBALS.has(object.name)) return true;
  return !callee.computed && t.isIdentifier(callee.property) && METHODS.has(callee.property.name);
}

/** @param exemptNames local names bound to functions that pass no hook: imports from exempt modules, exempt functions of this file */
export function callTest(exemptNames: Set<string>): ComesBack {
  return (call) => {
    if (call.arguments.some((argument) => t.isFunction(bare(argument)))) return true;
    const callee = bare(call.callee);
    if (t.isIdentifier(callee)) return !exemptNames.has(callee.name) && !GLOBALS.has(callee.name);
    if (t.isMemberExpression(callee) || t.isOptionalMemberExpression(callee)) return passesKernel(call) || !isKnownMethod(callee);
    return true;
  };
}
