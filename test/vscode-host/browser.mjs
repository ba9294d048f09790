// A headless Chromium from an npm package, unpacked once into .browser/ (git-ignored).
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { HERE, NODE } from './ensure.mjs';

const UNPACKED = path.join(HERE, '.browser');
const PACKAGE = path.join(HERE, 'node_modules', '@sparticuz', 'chromium');

/** Launches the browser; CHROMIUM_PATH names another one. The flags are our own: the package's list is for one process in a tiny container. */
export async function launchBrowser() {
  const { chromium } = await import(pathToFileURL(path.join(HERE, 'node_modules', 'playwright-core', 'index.mjs')).href);
  const own = process.env.CHROMIUM_PATH;
  return chromium.launch({
    executablePath: own ?? unpacked(),
    headless: true,
    // Whoever started the browser closes it, and whatever else belongs to it, in order.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
    timeout: 120_000,
    env: { ...process.env, ...(own ? {} : borrowed()) },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** Unpacks beside the final place and renames, so that two runs at once, or a killed one, leave no half browser. */
function unpacked() {
  const executable = path.join(UNPACKED, 'chromium');
  if (fs.existsSync(executable)) return executable;
  const fresh = fs.mkdtempSync(`${UNPACKED}-`);
  // The package wants Node 22 or newer, and unpacks into the temporary folder it is given.
  execFileSync(NODE, ['--input-type=module', '--eval', UNPACK, PACKAGE], { cwd: HERE, env: { ...process.env, TMPDIR: fresh } });
  try {
    fs.renameSync(fresh, UNPACKED);
  } catch {
    fs.rmSync(fresh, { recursive: true, force: true });
  }
  return executable;
}

const UNPACK = `
import chromium, { inflate } from '@sparticuz/chromium';
await chromium.executablePath();
await inflate(process.argv[1] + '/bin/al2023.tar.br');
`;

/** A bare machine has neither NSS nor fonts: the package brings both, and they are used only where the system's are missing. */
function borrowed() {
  const linked = execFileSync('ldd', [path.join(UNPACKED, 'chromium')], { encoding: 'utf8' });
  return {
    ...(linked.includes('not found') ? { LD_LIBRARY_PATH: path.join(UNPACKED, 'al2023', 'lib') } : {}),
    ...(fs.existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_FILE: fontConfiguration() }),
  };
}

function fontConfiguration() {
  const file = path.join(UNPACKED, 'fonts.conf');
  fs.writeFileSync(file, `<?xml version="1.0"?>\n<fontconfig><dir>${path.join(UNPACKED, 'fonts')}</dir><cachedir>${path.join(UNPACKED, 'font-cache')}</cachedir></fontconfig>\n`);
  return file;
}
