// `npm start`: the main job, on scenarios/order-4.pagewalk. Opens VS Code with the extension on it where there is a `code` command and a person at
// the terminal; anywhere else the same debugging session runs in the terminal.
//
//   npm start -- --open       VS Code, or an error when there is none
//   npm start -- --terminal   the terminal, even where VS Code is there
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const ROOT = path.dirname(import.meta.dirname);
const SCENARIO = path.join(ROOT, 'scenarios', 'order-4.pagewalk');
const OPTIONS = ['--open', '--terminal'];

/** Runs VS Code's own command; null when there is none. */
function code(args) {
  const { status, error } = spawnSync('code', args, { stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' });
  return error ? null : status;
}

function openInCode() {
  return code(['--new-window', `--extensionDevelopmentPath=${ROOT}`, ROOT, '--goto', SCENARIO]) === 0;
}

function debugInTerminal() {
  return spawnSync(process.execPath, [path.join(ROOT, 'bin', 'pagewalk.cjs'), 'tour', SCENARIO], { stdio: 'inherit' }).status ?? 1;
}

function main(options) {
  const unknown = options.find((option) => !OPTIONS.includes(option));
  if (unknown !== undefined) {
    console.error(`pagewalk: npm start does not know ${unknown}. It takes ${OPTIONS.join(' or ')}.`);
    return 2;
  }
  const wantsCode = options.includes('--open') || (process.stdout.isTTY === true && !options.includes('--terminal'));
  if (wantsCode && openInCode()) {
    console.log('pagewalk: VS Code opens scenarios/order-4.pagewalk. Add the function breakpoint `alloc_pages order>3` in Run and Debug, then press F5.');
    console.log('pagewalk: `npm start -- --terminal` shows the session here.');
    return 0;
  }
  if (options.includes('--open')) {
    console.error('pagewalk: VS Code could not be opened: there is no working `code` command. `npm run code` opens its workbench in a browser.');
    return 1;
  }
  return debugInTerminal();
}

process.exitCode = main(process.argv.slice(2));
