// Function breakpoints: from a name, with or without a condition in it, to the entries of functions and tracepoints.

import type { FunctionInfo, Tables } from '../../build/instrument/tables.ts';
import { TRACEPOINTS } from '../../engine/index.ts';
import { comesLater } from '../../language/index.ts';
import type { EngineFiles } from '../engine-files.ts';
import { definesFunction } from '../engine-files.ts';
import type { PlaceId } from '../worker/commands.ts';
import { FAMILIES } from './families.ts';
import { nearest } from './near.ts';

/** An entry that the machine can stop at. */
export interface Target {
  name: string;
  place: PlaceId;
  params: string[];
}

export type ResolvedFunction = { targets: Target[] } | { message: string };

/** Takes `alloc_pages order>3` apart; `if` and `when` may stand between. Null where there is no name. */
export function splitName(text: string): { name: string; condition: string | null } | null {
  const match = /^\s*([\w:*?]+)\s*(?:(?:if|when)\b)?\s*(.*?)\s*$/s.exec(text);
  if (match === null) return null;
  return { name: match[1]!, condition: match[2] === '' ? null : match[2]! };
}

/** What a name means: a family, a function, a tracepoint with or without its system, or all of those that a pattern with `*` and `?` fits. */
export function resolveFunction(files: EngineFiles, name: string): ResolvedFunction {
  const index = targetIndex(files.tables());
  if (/[*?]/.test(name)) return resolvePattern(index, name);
  const targets = index.get(name);
  if (targets !== undefined) return { targets };
  if (comesLater(name)) return { message: `\`${name}\` is not modelled yet.` };
  if (/^\w+$/.test(name) && definesFunction(files, name)) {
    return { message: `\`${name}\` is a function of the engine that the debugger does not watch: it is plumbing below the kernel's own functions.` };
  }
  if (TRACEPOINTS.some((point) => [point.name, `${point.system}:${point.name}`, `trace_${point.name}`].includes(name))) {
    return { message: `\`${name}\` is recorded, but the debugger does not watch it: the scheduler's own loop passes no hook.` };
  }
  return { message: `No function or tracepoint is called \`${name}\`.${nearest(name, index.keys())}` };
}

function resolvePattern(index: ReadonlyMap<string, Target[]>, pattern: string): ResolvedFunction {
  const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  const byPlace = new Map<PlaceId, Target>();
  const fitting = [...index].filter(([name]) => expression.test(name)).flatMap(([, targets]) => targets);
  for (const target of fitting) byPlace.set(target.place, byPlace.get(target.place) ?? target);
  return byPlace.size > 0 ? { targets: [...byPlace.values()] } : { message: `No function and no tracepoint fits the pattern \`${pattern}\`.` };
}

/** Every name with the entries it means. */
export function targetIndex(tables: Tables): ReadonlyMap<string, Target[]> {
  const index = new Map<string, Target[]>();
  const add = (name: string, target: Target) => index.set(name, [...(index.get(name) ?? []), target]);
  for (const info of tables.functions) {
    if (!/^\w+$/.test(info.name)) continue;
    for (const name of namesOf(info)) add(name, { name, place: info.entry, params: info.params });
  }
  for (const [family, members] of Object.entries(FAMILIES)) {
    const targets = members.flatMap((member) => index.get(member) ?? []);
    if (targets.length > 0) index.set(family, targets.map((target) => ({ ...target, name: family })));
  }
  return index;
}

/** A tracepoint's function goes by the tracepoint's names too. */
function namesOf({ name, tracepoint }: FunctionInfo): string[] {
  if (!tracepoint || !name.startsWith('trace_')) return [name];
  const bare = name.slice('trace_'.length);
  const point = TRACEPOINTS.find((one) => one.name === bare);
  return point === undefined ? [name, bare] : [name, bare, `${point.system}:${bare}`];
}
