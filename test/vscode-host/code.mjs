// `npm run code [FILE]`: VS Code in a browser, with the extension of this checkout, on a scenario (scenarios/order-4.pagewalk unless said).
// For machines without a desktop VS Code: prints the address and serves it, to this machine alone, until Ctrl-C.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { ensureHost } from './ensure.mjs';
import { remotePath, startServer, workbenchUrl } from './server.mjs';
import { CHECKOUT, developmentPayload, listenForInterruption } from './workbench.mjs';

/** A person sees the editor as it comes, in light or dark as the browser asks for. */
const SETTINGS = { 'window.autoDetectColorScheme': true };

async function main() {
  const file = path.resolve(process.argv[2] ?? path.join(CHECKOUT, 'scenarios', 'order-4.pagewalk'));
  if (!fs.existsSync(file)) throw new Error(`${file} is not there.`);
  ensureHost();
  const interruption = listenForInterruption();
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'pagewalk-code-'));
  let server;
  try {
    server = await startServer({ folder: profile, settings: SETTINGS });
    const payload = [...developmentPayload(server), ['openFile', remotePath(server, file)]];
    console.log(`VS Code with Pagewalk, on ${path.relative(process.cwd(), file)}:\n\n  ${workbenchUrl(server, { folder: path.dirname(file), payload })}\n\n`
      + 'Press F5 there to debug. Ctrl-C here ends it.');
    await interruption.happened.catch(() => {});
  } finally {
    await server?.stop();
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
  }
}

main().catch((error) => {
  console.error(`code: ${error.message}`);
  process.exitCode = 1;
});
