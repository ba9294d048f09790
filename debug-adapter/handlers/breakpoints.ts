// Breakpoint requests: answered at once, whatever the machine does.

import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Entry } from '../breakpoints/store.ts';
import { setDoor, shown } from '../breakpoints/store.ts';
import { spotsWithin } from '../breakpoints/resolve.ts';
import type { Wanted } from '../breakpoints/wanted.ts';
import { regionsOf } from '../breakpoints/wanted.ts';
import type { Context } from '../context.ts';
import { columnFromClient, lineFromClient, rangeToClient } from '../conventions.ts';
import { RequestError } from '../request-error.ts';
import type { Handlers } from '../requests.ts';
import { pathOf } from '../sources.ts';
import { armAll } from '../starting.ts';

type Names = 'setBreakpoints' | 'setFunctionBreakpoints' | 'setExceptionBreakpoints' | 'breakpointLocations';

export const BREAKPOINTS: Handlers<Names> = {
  setBreakpoints(context, { source, breakpoints = [] }) {
    const path = pathOf(context.conventions, source);
    return settle(context, `line:${path}`, breakpoints.map((one) => wantedLine(context, path, one)));
  },

  setFunctionBreakpoints(context, { breakpoints }) {
    checkList('breakpoints', breakpoints);
    const wanted = breakpoints.map(({ name, condition, hitCondition }): Wanted => ({ door: 'function', text: name, ...extras(condition, hitCondition) }));
    return settle(context, 'function', wanted);
  },

  setExceptionBreakpoints(context, { filters, filterOptions = [] }) {
    checkList('filters', filters);
    const plain = filters.map((filter): Wanted => ({ door: 'exception', filter, ...extras() }));
    const withOptions = filterOptions.map(({ filterId, condition }): Wanted => ({ door: 'exception', filter: filterId, ...extras(condition) }));
    return settle(context, 'exception', [...plain, ...withOptions]);
  },

  async breakpointLocations(context, { source, line, column, endLine, endColumn }) {
    const { conventions, breakpoints } = context;
    await context.launch.wait();
    const regions = regionsOf(breakpoints.world, pathOf(conventions, source));
    if ('message' in regions) return { breakpoints: [] };
    const extent = {
      line: lineFromClient(conventions, line),
      column: column === undefined ? null : columnFromClient(conventions, column),
      endLine: lineFromClient(conventions, endLine ?? line),
      endColumn: endColumn === undefined ? null : columnFromClient(conventions, endColumn),
    };
    return { breakpoints: spotsWithin(regions.regions, extent).map((spot) => rangeToClient(conventions, spot)) };
  },
};

/** A list that the protocol does not let a client leave out. */
function checkList(name: string, given: unknown): void {
  if (!Array.isArray(given)) throw new RequestError(`\`${name}\` is missing: it is the list of what to stop at, and empty for nothing.`);
}

function wantedLine({ conventions }: Context, path: string, given: DebugProtocol.SourceBreakpoint): Wanted {
  const { line, column, condition, hitCondition, logMessage } = given;
  return {
    door: 'line', path,
    line: lineFromClient(conventions, line),
    column: column === undefined ? null : columnFromClient(conventions, column),
    log: said(logMessage),
    ...extras(condition, hitCondition),
  };
}

function extras(condition?: string, hitCondition?: string): { condition: string | null; hitCondition: string | null } {
  return { condition: said(condition), hitCondition: said(hitCondition) };
}

/** An empty field is one that nobody filled in. */
function said(text: string | undefined): string | null {
  return text === undefined || text.trim() === '' ? null : text;
}

/** Sets a door's breakpoints; with a launch under way, once its scenario is compiled, so that the first answer is the true one. */
function settle(context: Context, door: string, wanted: Wanted[]): Promise<{ breakpoints: DebugProtocol.Breakpoint[] }> {
  const settled = setAndArm(context, door, wanted);
  context.settling.add(settled);
  const forget = () => context.settling.delete(settled);
  settled.then(forget, forget);
  return settled;
}

async function setAndArm(context: Context, door: string, wanted: Wanted[]): Promise<{ breakpoints: DebugProtocol.Breakpoint[] }> {
  await context.launch.wait();
  const entries = setDoor(context.breakpoints, door, wanted);
  await armAll(context);
  return { breakpoints: entries.map((entry) => answer(context, entry)) };
}

function answer({ conventions }: Context, entry: Entry): DebugProtocol.Breakpoint {
  const { line, column, endLine, endColumn, ...rest } = shown(entry);
  return line === undefined || column === undefined ? rest : { ...rest, ...rangeToClient(conventions, { line, column, endLine, endColumn }) };
}
