// What F5 and the buttons start, and what they say where there is nothing to start. The sessions end at their first sight.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import * as vscode from 'vscode';
import { DebugRun } from './debug-run.ts';
import { scenario, show } from './helpers.ts';

describe('starting without launch.json', () => {
  let run: DebugRun;

  beforeEach(() => {
    run = new DebugRun();
  });

  afterEach(async () => {
    await run.end();
    run.dispose();
  });

  it('F5 debugs the scenario in the active editor', async () => {
    const uri = scenario('order-4.pagewalk');
    await show(uri);
    await vscode.commands.executeCommand('workbench.action.debug.start');
    await run.started();
    assert.equal(run.session.configuration['program'], uri.fsPath);
    assert.equal(run.session.configuration['noDebug'] ?? false, false);
  });

  it('the Run button runs its own file without stopping', async () => {
    const uri = scenario('order-4.pagewalk');
    const ended = new Promise<vscode.DebugSession>((resolve) => vscode.debug.onDidTerminateDebugSession(resolve));
    await vscode.commands.executeCommand('pagewalk.runScenario', uri);
    const session = await ended;
    assert.equal(session.configuration['program'], uri.fsPath);
    assert.equal(session.configuration['noDebug'], true);
  });

  it('saves changes that were not saved', async () => {
    const uri = scenario('order-4.pagewalk');
    const editor = await show(uri);
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '// changed\n'));
    await vscode.debug.startDebugging(undefined, { type: 'pagewalk', request: 'launch', name: 'changed' });
    await run.started();
    assert.equal(editor.document.isDirty, false);
    assert.match(fs.readFileSync(uri.fsPath, 'utf8'), /^\/\/ changed\n/);
    await vscode.commands.executeCommand('undo');
    await editor.document.save();
  });

  it('a relative program is one of the folder', async () => {
    await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], { type: 'pagewalk', request: 'launch', name: 'relative', program: 'order-4.pagewalk' });
    await run.started();
    assert.equal(run.session.configuration['program'], scenario('order-4.pagewalk').fsPath);
  });

  it('starts nothing where no scenario is in sight', async () => {
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    assert.equal(await vscode.debug.startDebugging(undefined, { type: 'pagewalk', request: 'launch', name: 'nothing' }), false);
  });
});
