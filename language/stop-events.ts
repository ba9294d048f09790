// What the event of a `stop on` means: entries that the debugger can stop at, with the names that a `when` may read there.
import { ENGINE_FUNCTIONS, ENGINE_PLUMBING, ENGINE_TRACEPOINTS } from './generated/engine-names.ts';
import { didYouMean } from './near.ts';
import { BOOT_CALLS, KERNEL_CALLS } from './vocabulary/calls.ts';
import { EVENT_ALIASES } from './vocabulary/events.ts';
import { FAMILIES, LATER_FUNCTIONS, LATER_TRACEPOINTS } from './vocabulary/kernel-names.ts';

/** `later`: a thing of the modelled kernel that this version does not have; what a `when` reads there is not known. */
export type StopEvent =
  | { kind: 'known'; /** Parameters or fields. */ names: readonly string[]; what: 'parameter' | 'field' }
  | { kind: 'later' }
  | { kind: 'wrong'; message: string };

/** Resolves `alloc_pages`, `mm_page_alloc`, `kmem:mm_page_alloc`, `kswapd_wake`: as the debugger does, as far as the engine has it. */
export function stopEvent(event: string): StopEvent {
  const target = own(EVENT_ALIASES, event)?.target ?? event;
  return known(target) ?? (isLater(target) ? { kind: 'later' } : { kind: 'wrong', message: whyNot(target) });
}

/** Whether a name is one of the modelled kernel's that this version does not have yet. */
export function comesLater(event: string): boolean {
  return stopEvent(event).kind === 'later';
}

function known(name: string): StopEvent | undefined {
  const functions = own(FAMILIES, name) ?? [name];
  const parameters = functions.flatMap((one) => own(ENGINE_FUNCTIONS, one) ?? []);
  if (functions.some((one) => Object.hasOwn(ENGINE_FUNCTIONS, one))) return { kind: 'known', names: parameters, what: 'parameter' };
  const point = own(ENGINE_TRACEPOINTS, bare(name));
  return point !== undefined && fits(name, point.system) ? { kind: 'known', names: point.fields, what: 'field' } : undefined;
}

function isLater(name: string): boolean {
  if (LATER_FUNCTIONS.has(name)) return true;
  if (ENGINE_PLUMBING.includes(name)) return false;
  if (Object.hasOwn(KERNEL_CALLS, name) || Object.hasOwn(BOOT_CALLS, name)) return true;
  return [...LATER_TRACEPOINTS].some((point) => point === name || bare(point) === name);
}

function whyNot(name: string): string {
  if (ENGINE_PLUMBING.includes(`trace_${bare(name)}`)) return `The machine records \`${name}\` but cannot stop at it.`;
  if (ENGINE_PLUMBING.includes(name)) return `\`${name}\` is a function of the engine that the debugger does not watch: it is plumbing below the kernel's own functions.`;
  if (name.includes(':')) return `There is no tracepoint \`${name}\`.${nearTracepoint(name)}`;
  const names = [...Object.keys(FAMILIES), ...Object.keys(ENGINE_FUNCTIONS), ...Object.keys(ENGINE_TRACEPOINTS), ...Object.keys(EVENT_ALIASES)];
  return `There is no kernel function and no tracepoint \`${name}\`.${didYouMean(name, names)}`;
}

function nearTracepoint(name: string): string {
  const points = Object.entries(ENGINE_TRACEPOINTS).map(([point, { system }]) => `${system}:${point}`);
  const same = points.filter((point) => bare(point) === bare(name));
  const suggestion = same.length > 0 ? ` Did you mean \`${same[0]}\`?` : didYouMean(name, points);
  const ofSystem = points.filter((point) => point.startsWith(name.slice(0, name.indexOf(':') + 1)));
  return suggestion || (ofSystem.length === 0 ? '' : ` Known are: ${ofSystem.join(', ')}.`);
}

function bare(name: string): string {
  return name.slice(name.indexOf(':') + 1);
}

function fits(name: string, system: string): boolean {
  return !name.includes(':') || name.startsWith(`${system}:`);
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
