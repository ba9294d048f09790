// Waiting, files and editors, for suites in the extension host.
import assert from 'node:assert/strict';
import path from 'node:path';
import * as vscode from 'vscode';

const PATIENCE_MS = 150_000;

/** The workspace's scenario of that name. */
export function scenario(name: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'the tests run in a workspace');
  return vscode.Uri.joinPath(folder.uri, name);
}

/** The file that a stack frame's source names: in a remote workbench VS Code has made an address of the adapter's path. */
export function fileOf(sourcePath: string | undefined): string {
  assert.ok(sourcePath, 'the frame has a source');
  return path.isAbsolute(sourcePath) ? sourcePath : vscode.Uri.parse(sourcePath).fsPath;
}

/** Opens a scenario in an editor that has the focus. */
export async function show(uri: vscode.Uri): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
}

/** The line (from 0) whose text holds `part`, which stands for what a person would click on. */
export function lineWith(document: vscode.TextDocument, part: string): number {
  const line = document.getText().split(/\r?\n/).findIndex((text) => text.includes(part));
  assert.notEqual(line, -1, `${path.basename(document.fileName)} has a line with ${part}`);
  return line;
}

/** Answers what `look` does as soon as it is something, looking again and again; `what` is for the message where it never is. */
export async function until<T>(what: string, look: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const limit = Date.now() + PATIENCE_MS;
  while (Date.now() < limit) {
    const seen = await look();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${PATIENCE_MS / 1000} s in vain for ${what}`);
}
