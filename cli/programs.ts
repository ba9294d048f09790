// `pagewalk dap` and `pagewalk lsp`: the two programs that editors talk to.
import { createRequire } from 'node:module';
import path from 'node:path';
import { UsageError } from './exit-status.ts';

/** Starts the language server of this build, which speaks on standard input and output and ends the process when its client has gone. */
export function serveLanguage(stdio: boolean): void {
  if (!stdio) throw new UsageError('lsp: the language server speaks on standard input and output: say --stdio.');
  createRequire(path.join(__dirname, 'cli.cjs'))('./language-server.cjs');
}
