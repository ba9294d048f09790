// What one does in a debugger, as functions over a DAP client: launch, go on, step, look.
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ZonesResponse } from '../../debug-adapter/protocol.ts';
import type { DapClient } from './dap-client.ts';

/** Where the machine stands, or null when the run is over. */
export interface Stop {
  threadId: number;
  /** What happened, in one line. */
  text: string;
  /** Innermost first. */
  frames: DebugProtocol.StackFrame[];
}

/** Starts a session with one function breakpoint; gives its first stop. */
export async function launch(client: DapClient, program: string, breakpoint: string): Promise<Stop | null> {
  await client.request('initialize', { adapterID: 'pagewalk', pathFormat: 'path', linesStartAt1: true, columnsStartAt1: true });
  const launched = client.request('launch', { program, stopAtEnd: false });
  await Promise.race([client.event('initialized'), launched]);
  await setFunctionBreakpoint(client, breakpoint);
  await Promise.all([client.request('configurationDone'), launched]);
  return nextStop(client);
}

/** Replaces all function breakpoints. Throws when there is nothing of that name. */
export async function setFunctionBreakpoint(client: DapClient, name: string): Promise<void> {
  const { breakpoints } = await client.request<{ breakpoints: DebugProtocol.Breakpoint[] }>('setFunctionBreakpoints', { breakpoints: [{ name }] });
  const refused = breakpoints.find(({ verified }) => !verified);
  if (refused !== undefined) throw new Error(`The breakpoint \`${name}\` was refused: ${refused.message ?? 'no reason was given'}`);
}

export async function resume(client: DapClient, command: 'continue' | 'stepIn' | 'next', { threadId }: Stop): Promise<Stop | null> {
  await client.request(command, { threadId });
  return nextStop(client);
}

async function nextStop(client: DapClient): Promise<Stop | null> {
  const event = await client.event('stopped', 'terminated');
  if (event.event === 'terminated') return null;
  const { threadId = 1, text, description, reason } = (event as DebugProtocol.StoppedEvent).body;
  const { stackFrames } = await client.request<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId, startFrame: 0, levels: 50 });
  return { threadId, text: text ?? description ?? reason, frames: stackFrames };
}

/** Parameters and locals of the innermost frame. */
export async function locals(client: DapClient, stop: Stop): Promise<DebugProtocol.Variable[]> {
  const { scopes } = await client.request<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: stop.frames[0]!.id });
  const scope = scopes.find(({ name }) => name === 'Locals');
  if (scope === undefined) return [];
  return (await client.request<{ variables: DebugProtocol.Variable[] }>('variables', { variablesReference: scope.variablesReference })).variables;
}

export function zones(client: DapClient): Promise<ZonesResponse> {
  return client.request<ZonesResponse>('pagewalk/zones');
}
