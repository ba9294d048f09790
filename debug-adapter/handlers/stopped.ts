// Requests that only a stopped machine answers: going on, and looking.

import type { DebugProtocol } from '@vscode/debugprotocol';
import { PROC_FILES } from '../../engine/index.ts';
import type { ExpressionData } from '../../language/runtime/index.ts';
import { compileExpression } from '../../language/index.ts';
import type { Context } from '../context.ts';
import { rangeToClient } from '../conventions.ts';
import { RequestError } from '../request-error.ts';
import type { Handlers } from '../requests.ts';
import type { Run } from '../run.ts';
import { ask, currentRun, idFromClient, idToClient, pidOf, resume } from '../run.ts';
import { sourceOf } from '../sources.ts';
import type { StackRow, VariableRow } from '../worker/commands.ts';

type Names =
  | 'continue' | 'next' | 'stepIn' | 'stepOut' | 'stackTrace' | 'scopes' | 'variables' | 'evaluate' | 'exceptionInfo'
  | 'pagewalk/zones' | 'pagewalk/processes' | 'pagewalk/vmas' | 'pagewalk/pageTables' | 'pagewalk/pageTable' | 'pagewalk/files' | 'pagewalk/filePages'
  | 'pagewalk/lru' | 'pagewalk/lruPages';

/** The session calls these only while the machine stands. */
export const WHILE_STOPPED: Handlers<Names> = {
  async continue(context) {
    await resume(currentRun(context), 'continue', null);
    return { allThreadsContinued: true };
  },

  next: (context, { threadId }) => resume(currentRun(context), 'step', { kind: 'over', pid: pidOf(threadId) }),
  stepIn: (context, { threadId }) => resume(currentRun(context), 'step', { kind: 'in', pid: pidOf(threadId) }),
  stepOut: (context, { threadId }) => resume(currentRun(context), 'step', { kind: 'out', pid: pidOf(threadId) }),

  async stackTrace(context, { threadId, startFrame = 0, levels = 0 }) {
    const rows = await stackOf(currentRun(context), pidOf(threadId));
    const end = levels > 0 ? startFrame + levels : rows.length;
    return { stackFrames: rows.slice(startFrame, end).map((row) => frame(context, row)), totalFrames: rows.length };
  },

  async scopes(context, { frameId }) {
    const run = currentRun(context);
    const id = idFromClient(run, frameId);
    const rows = id === null ? [] : await ask(run, 'scopes', { frame: id });
    return { scopes: rows.map(({ name, reference, named, indexed, expensive }) => ({
      name, variablesReference: idToClient(run, reference), expensive, ...counts({ named, indexed }),
      ...(name === 'Locals' ? { presentationHint: 'locals' } : {}),
    })) };
  },

  async variables(context, { variablesReference, filter, start = 0, count = 0 }) {
    const run = currentRun(context);
    const reference = idFromClient(run, variablesReference);
    const rows = reference === null ? [] : await ask(run, 'variables', { reference, filter: filter ?? null, start, count });
    return { variables: rows.map((row) => variable(context, run, row)) };
  },

  evaluate,

  exceptionInfo(context) {
    const { stop } = currentRun(context);
    if (stop?.reason !== 'exception') throw new RequestError('The machine did not stop at an exception.');
    return { exceptionId: filterOf(context, stop.hit), description: stop.text, breakMode: 'always' };
  },

  'pagewalk/zones': (context) => ask(currentRun(context), 'zones', null),
  'pagewalk/processes': (context) => ask(currentRun(context), 'processes', null),
  'pagewalk/vmas': (context, { pid }) => ask(currentRun(context), 'vmas', { pid }),
  'pagewalk/pageTables': (context, { pid, start }) => ask(currentRun(context), 'pageTables', { pid, start }),
  'pagewalk/pageTable': (context, { pid, start, end }) => ask(currentRun(context), 'pageTable', { pid, start, end }),
  'pagewalk/files': (context, args) => ask(currentRun(context), 'files', args),
  'pagewalk/filePages': (context, { ino, start, end }) => ask(currentRun(context), 'filePages', { ino, start, end }),
  'pagewalk/lru': (context) => ask(currentRun(context), 'lru', null),
  'pagewalk/lruPages': (context, args) => ask(currentRun(context), 'lruPages', args),
};

// ---- the stack --------------------------------------------------------------------------------------------------------

/** Read once a stop: a client asks for it in pieces. */
function stackOf(run: Run, pid: number): Promise<StackRow[]> {
  const known = run.stacks.get(pid);
  if (known !== undefined) return known;
  const rows = ask(run, 'stack', { pid });
  run.stacks.set(pid, rows);
  return rows;
}

function frame({ conventions, files, run }: Context, { id, name, path, ...range }: StackRow): DebugProtocol.StackFrame {
  const { line, column, endLine, endColumn } = rangeToClient(conventions, range);
  return { id: idToClient(run!, id), name, source: sourceOf(conventions, files, path), line, column, endLine, endColumn };
}

/** The filter that stopped the machine, by its name. */
function filterOf({ breakpoints }: Context, hit: readonly number[]): string {
  const entry = breakpoints.doors.get('exception')?.find(({ id }) => hit.includes(id));
  return entry?.wanted.door === 'exception' ? entry.wanted.filter : 'bug';
}

// ---- values -----------------------------------------------------------------------------------------------------------

function counts({ named, indexed }: { named: number; indexed: number }): { namedVariables?: number; indexedVariables?: number } {
  return { ...(named > 0 ? { namedVariables: named } : {}), ...(indexed > 0 ? { indexedVariables: indexed } : {}) };
}

function variable({ conventions }: Context, run: Run, row: VariableRow): DebugProtocol.Variable {
  const { name, value, type, reference, evaluateName } = row;
  return {
    name, value, variablesReference: idToClient(run, reference), ...counts(row),
    ...(conventions.showsTypes ? { type } : {}),
    ...(evaluateName === '' ? {} : { evaluateName }),
  };
}

/** An expression of the scenario's language; the console also takes `proc NAME` and `walk ADDRESS`. */
async function evaluate(context: Context, args: DebugProtocol.EvaluateArguments): Promise<DebugProtocol.EvaluateResponse['body']> {
  const { expression: text, frameId } = args;
  const run = currentRun(context);
  const proc = args.context === 'repl' ? /^\s*proc\s+(\S+)\s*$/.exec(text) : null;
  if (proc !== null) return { result: await procFile(run, proc[1]!), variablesReference: 0 };
  const walk = args.context === 'repl' ? /^\s*walk\s+(\S.*)$/.exec(text) : null;
  if (walk !== null) return { result: await walkOf(run, walk[1]!, frameId), variablesReference: 0 };
  const expression = expressionOf(run, text);
  const row = await ask(run, 'evaluate', { expression, text, frame: frameId === undefined ? null : liveFrame(run, frameId) });
  const { value, variablesReference, namedVariables, indexedVariables, type } = variable(context, run, row);
  return { result: value, variablesReference, namedVariables, indexedVariables, type };
}

function expressionOf(run: Run, text: string): ExpressionData {
  const { expression, problems } = compileExpression(text, Object.keys(run.scenario.program.constants));
  if (expression === null) throw new RequestError(problems[0]?.message ?? 'This is no expression.');
  return expression;
}

function walkOf(run: Run, address: string, frameId: number | undefined): Promise<string> {
  return ask(run, 'walk', { address: expressionOf(run, address), frame: frameId === undefined ? null : liveFrame(run, frameId) });
}

/** An id that no frame has. */
const NO_FRAME = 0;

/** Of an earlier run's frame no more is known than that it is gone. */
function liveFrame(run: Run, frameId: number): number {
  return idFromClient(run, frameId) ?? NO_FRAME;
}

async function procFile(run: Run, name: string): Promise<string> {
  const text = await ask(run, 'proc', { name });
  if (text === null) throw new RequestError(`This machine has no /proc/${name}. It has ${Object.keys(PROC_FILES).join(', ')}.`);
  return text;
}
