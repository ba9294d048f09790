// The requests this adapter answers: for each command its arguments and the body of its answer. A handler gives the body or a promise of it, and
// refuses by throwing RequestError; the session does the rest.

import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Context } from './context.ts';
import type {
  FilePagesArguments, FilePagesResponse, FilesArguments, FilesResponse, LruPagesArguments, LruPagesResponse, LruResponse, PageTableArguments,
  PageTableResponse, PageTablesArguments, PageTablesResponse, ProcessesResponse, VmasArguments, VmasResponse, ZonesResponse,
} from './protocol.ts';

type Breakpoints = { breakpoints: DebugProtocol.Breakpoint[] };
type Nothing = void;

export interface RequestTypes {
  initialize: { args: DebugProtocol.InitializeRequestArguments; body: DebugProtocol.Capabilities };
  launch: { args: DebugProtocol.LaunchRequestArguments; body: Nothing };
  restart: { args: DebugProtocol.RestartArguments; body: Nothing };
  configurationDone: { args: DebugProtocol.ConfigurationDoneArguments; body: Nothing };
  disconnect: { args: DebugProtocol.DisconnectArguments; body: Nothing };
  terminate: { args: DebugProtocol.TerminateArguments; body: Nothing };
  setBreakpoints: { args: DebugProtocol.SetBreakpointsArguments; body: Breakpoints };
  setFunctionBreakpoints: { args: DebugProtocol.SetFunctionBreakpointsArguments; body: Breakpoints };
  setExceptionBreakpoints: { args: DebugProtocol.SetExceptionBreakpointsArguments; body: Breakpoints };
  breakpointLocations: { args: DebugProtocol.BreakpointLocationsArguments; body: { breakpoints: DebugProtocol.BreakpointLocation[] } };
  threads: { args: Nothing; body: { threads: DebugProtocol.Thread[] } };
  pause: { args: DebugProtocol.PauseArguments; body: Nothing };
  loadedSources: { args: DebugProtocol.LoadedSourcesArguments; body: { sources: DebugProtocol.Source[] } };
  source: { args: DebugProtocol.SourceArguments; body: { content: string; mimeType?: string } };
  continue: { args: DebugProtocol.ContinueArguments; body: { allThreadsContinued: boolean } };
  next: { args: DebugProtocol.NextArguments; body: Nothing };
  stepIn: { args: DebugProtocol.StepInArguments; body: Nothing };
  stepOut: { args: DebugProtocol.StepOutArguments; body: Nothing };
  stackTrace: { args: DebugProtocol.StackTraceArguments; body: { stackFrames: DebugProtocol.StackFrame[]; totalFrames: number } };
  scopes: { args: DebugProtocol.ScopesArguments; body: { scopes: DebugProtocol.Scope[] } };
  variables: { args: DebugProtocol.VariablesArguments; body: { variables: DebugProtocol.Variable[] } };
  evaluate: { args: DebugProtocol.EvaluateArguments; body: DebugProtocol.EvaluateResponse['body'] };
  exceptionInfo: { args: DebugProtocol.ExceptionInfoArguments; body: DebugProtocol.ExceptionInfoResponse['body'] };
  'pagewalk/zones': { args: Nothing; body: ZonesResponse };
  'pagewalk/processes': { args: Nothing; body: ProcessesResponse };
  'pagewalk/vmas': { args: VmasArguments; body: VmasResponse };
  'pagewalk/pageTables': { args: PageTablesArguments; body: PageTablesResponse };
  'pagewalk/pageTable': { args: PageTableArguments; body: PageTableResponse };
  'pagewalk/files': { args: FilesArguments; body: FilesResponse };
  'pagewalk/filePages': { args: FilePagesArguments; body: FilePagesResponse };
  'pagewalk/lru': { args: Nothing; body: LruResponse };
  'pagewalk/lruPages': { args: LruPagesArguments; body: LruPagesResponse };
}

export type RequestName = keyof RequestTypes;

export type Handler<R extends RequestName> = (context: Context, args: RequestTypes[R]['args']) => RequestTypes[R]['body'] | Promise<RequestTypes[R]['body']>;

/** Handlers for some of the commands. */
export type Handlers<R extends RequestName> = { [C in R]: Handler<C> };
