// The debug adapter as a program: on standard input and output, or with `--port N` on 127.0.0.1.

import { parseArgs } from 'node:util';
import { runAdapter } from './index.ts';

/** The exit status of a command line that is wrong. */
const USAGE = 2;

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`--port takes a number from 0 to 65535, not \`${text}\`.`);
  return port;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ args: process.argv.slice(2), options: { port: { type: 'string' } } });
  const port = portOf(values.port);
  await runAdapter(port === undefined ? {} : { port });
}

main().catch((error: unknown) => {
  process.stderr.write(`pagewalk dap: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = USAGE;
});
