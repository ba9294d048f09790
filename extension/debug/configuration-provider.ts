// Completes a launch configuration before the adapter sees it, so that F5 in a scenario needs no launch.json.
import path from 'node:path';
import {
  debug, Uri, window, workspace, type CancellationToken, type DebugConfiguration, type DebugConfigurationProvider, type Disposable, type TextDocument,
  type WorkspaceFolder,
} from 'vscode';
import { DEBUG_TYPE, LANGUAGE_ID } from '../names.ts';

export function registerConfigurationProvider(): Disposable {
  return debug.registerDebugConfigurationProvider(DEBUG_TYPE, new ConfigurationProvider());
}

class ConfigurationProvider implements DebugConfigurationProvider {
  /** Before variables such as `${file}` are replaced: fills in what is missing. `undefined` ends the start; the user has been told why. */
  async resolveDebugConfiguration(_folder: WorkspaceFolder | undefined, given: DebugConfiguration): Promise<DebugConfiguration | undefined> {
    const configuration: DebugConfiguration = { ...given, name: given.name, type: given.type || DEBUG_TYPE, request: given.request || 'launch' };
    if (configuration.program) return { ...configuration, name: given.name || 'Debug scenario' };
    const document = scenarioInSight();
    if (!document) return refuse('Open a .pagewalk file first, or name one as `program` in launch.json.');
    const uri = await saved(document);
    if (!uri) return refuse(`${path.basename(document.fileName)} must be saved before it can run.`);
    return { ...configuration, name: given.name || `Debug ${path.basename(uri.fsPath)}`, program: uri.fsPath };
  }

  /** After variables were replaced: a relative program is one of the configuration's folder, and its editor's changes are what is meant. */
  async resolveDebugConfigurationWithSubstitutedVariables(
    folder: WorkspaceFolder | undefined, given: DebugConfiguration, _token?: CancellationToken,
  ): Promise<DebugConfiguration | undefined> {
    const program = absolute(String(given.program), folder);
    if (!program.endsWith('.pagewalk')) return refuse(`${program} is not a scenario: \`program\` must name a .pagewalk file.`);
    const document = workspace.textDocuments.find((one) => one.uri.fsPath === program);
    if (document && !(await saved(document))) return refuse(`${program} has changes that could not be saved.`);
    return { ...given, program };
  }
}

/** The active scenario, else the only one on screen: F5 pressed in the engine's source means the scenario beside it. */
function scenarioInSight(): TextDocument | undefined {
  const isScenario = (document: TextDocument | undefined) => document?.languageId === LANGUAGE_ID;
  const active = window.activeTextEditor?.document;
  if (isScenario(active)) return active;
  const visible = window.visibleTextEditors.map((editor) => editor.document).filter(isScenario);
  return visible.length === 1 ? visible[0] : undefined;
}

/** Saves what is not saved; a scenario that has no file yet gets one, where the user says. Answers the file, or nothing where that was refused. */
async function saved(document: TextDocument): Promise<Uri | undefined> {
  if (!document.isUntitled && !document.isDirty) return document.uri;
  return workspace.save(document.uri);
}

/** Several folders may hold the file: the one the configuration belongs to, then the others in their order. */
function absolute(program: string, folder: WorkspaceFolder | undefined): string {
  if (path.isAbsolute(program)) return program;
  const base = folder ?? workspace.workspaceFolders?.[0];
  return base ? Uri.joinPath(base.uri, program).fsPath : path.resolve(program);
}

function refuse(message: string): undefined {
  void window.showErrorMessage(`Pagewalk: ${message}`);
  return undefined;
}
