// The buttons in a scenario's editor title, and the same two commands in the palette.
import { commands, debug, Disposable, window, workspace, type DebugConfiguration, type Uri } from 'vscode';
import { COMMANDS, DEBUG_TYPE } from '../names.ts';

export function registerCommands(): Disposable {
  return Disposable.from(
    commands.registerCommand(COMMANDS.debugScenario, (resource?: Uri) => start('Debug', resource)),
    commands.registerCommand(COMMANDS.runScenario, (resource?: Uri) => start('Run', resource)),
  );
}

/** `resource` is the editor's file where a button was pressed; from the palette there is none, and the configuration provider finds the file. */
async function start(how: 'Debug' | 'Run', resource: Uri | undefined): Promise<void> {
  const uri = resource ?? window.activeTextEditor?.document.uri;
  const folder = uri && workspace.getWorkspaceFolder(uri);
  await debug.startDebugging(folder, configuration(how, resource), { noDebug: how === 'Run' });
}

function configuration(how: string, resource: Uri | undefined): DebugConfiguration {
  const name = resource ? `${how} ${workspace.asRelativePath(resource)}` : `${how} scenario`;
  return { type: DEBUG_TYPE, request: 'launch', name, ...(resource ? { program: resource.fsPath } : {}) };
}
