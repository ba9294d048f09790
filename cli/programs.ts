// `pagewalk dap` and `pagewalk lsp`: the two programs that editors talk to.
import { createRequire } from 'node:module';
import path from 'node:path';
import { runAdapter } from '../debug-adapter/index.ts';
import { UsageError } from './exit-status.ts';

/** Starts the language server of this build, which speaks on standard input and output and ends the process when its client has gone. */
export function serveLanguage(stdio: boolean): void {
  if (!stdio) throw new UsageError('lsp: the language server speaks on standard input and output: say --stdio.');
  createRequire(path.join(__dirname, 'cli.cjs'))('./language-server.cjs');
}

/** Serves until the session has ended; on a port, for ever. Throws UsageError where the port cannot be had. */
export async function serveDebugger(port: number | undefined): Promise<void> {
  try {
    await runAdapter(port === undefined ? {} : { port });
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== 'listen') throw error;
    throw new UsageError(`dap: --port ${port}: ${whyNoPort(code)}`);
  }
}

function whyNoPort(code: string | undefined): string {
  switch (code) {
    case 'EADDRINUSE': return 'another program listens on this port. Take another, or 0 for any free one.';
    case 'EACCES': return 'this port may not be listened on. Take one from 1024 on, or 0 for any free one.';
    default: return `this port cannot be listened on (${code ?? 'no reason given'}). Take another, or 0 for any free one.`;
  }
}
