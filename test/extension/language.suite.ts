// The language in the editor: its id, and the same problems at the same places as the command line prints them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import * as vscode from 'vscode';
import { scenario, show, until } from './helpers.ts';

describe('a scenario in the editor', () => {
  it('is in the language pagewalk', async () => {
    const { document } = await show(scenario('order-4.pagewalk'));
    assert.equal(document.languageId, 'pagewalk');
  });

  it('has no problems where the command line finds none', async () => {
    assert.equal(check('order-4.pagewalk').status, 0);
    await until('the extension to be active', () => vscode.extensions.getExtension('pagewalk.pagewalk')?.isActive);
    assert.deepEqual(problems(scenario('order-4.pagewalk')), []);
  });

  it('has a squiggle where the command line says FILE:LINE:COL: message', async () => {
    const { status, lines } = check('broken.pagewalk');
    assert.equal(status, 2);
    const uri = scenario('broken.pagewalk');
    await show(uri);
    await until('a problem in broken.pagewalk', () => vscode.languages.getDiagnostics(uri).length > 0);
    assert.deepEqual(problems(uri), lines);
  });
});

/** What `pagewalk check` says of a scenario of the workspace, with the file's name alone. */
function check(name: string): { status: number | null; lines: string[] } {
  const extension = vscode.extensions.getExtension('pagewalk.pagewalk');
  assert.ok(extension, 'the extension is there');
  const file = scenario(name).fsPath;
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(extension.extensionPath, 'dist', 'cli.cjs'), 'check', file],
    { encoding: 'utf8', env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' } });
  const lines = (stdout + stderr).split('\n').map((line) => line.replace(`${path.dirname(file)}${path.sep}`, '')).filter((line) => line.startsWith(`${name}:`));
  return { status, lines };
}

function problems(uri: vscode.Uri): string[] {
  return vscode.languages.getDiagnostics(uri)
    .map(({ range, message }) => `${path.basename(uri.fsPath)}:${range.start.line + 1}:${range.start.character + 1}: ${message}`);
}
