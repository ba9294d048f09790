// Places as DAP names them: a path of the scenario or of the engine becomes a Source, and a Source of the client's becomes a path.

import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Conventions } from './conventions.ts';
import { pathFromClient, pathToClient } from './conventions.ts';
import type { EngineFiles } from './engine-files.ts';
import { nativePath } from './engine-files.ts';
import { RequestError } from './request-error.ts';

/** A scenario's own file. */
export function scenarioSource(conventions: Conventions, native: string): DebugProtocol.Source {
  return { name: path.basename(native), path: pathToClient(conventions, native) };
}

/** A file of the engine, by its path below the checkout; it ships with Pagewalk. */
export function engineSource(conventions: Conventions, files: EngineFiles, enginePath: string): DebugProtocol.Source {
  return {
    name: path.posix.basename(enginePath),
    path: pathToClient(conventions, nativePath(files, enginePath)),
    presentationHint: 'normal',
    origin: 'Pagewalk engine',
  };
}

/** Engine paths are relative and begin with `engine/`; those of scenarios are absolute. */
export function sourceOf(conventions: Conventions, files: EngineFiles, file: string): DebugProtocol.Source {
  return file.startsWith('engine/') ? engineSource(conventions, files, file) : scenarioSource(conventions, file);
}

/** The native path of a client's source. Throws RequestError where it has none. */
export function pathOf(conventions: Conventions, source: DebugProtocol.Source | undefined): string {
  if (source?.path === undefined || source.path === '') throw new RequestError(`A source without a path is not known here${source?.name === undefined ? '' : `: ${source.name}`}.`);
  return pathFromClient(conventions, source.path);
}
