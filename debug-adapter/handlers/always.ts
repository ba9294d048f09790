// Requests that are answered in every state.

import fs from 'node:fs';
import { isSamePath } from '../conventions.ts';
import type { Context } from '../context.ts';
import { matchEngineFile, nativePath } from '../engine-files.ts';
import { RequestError } from '../request-error.ts';
import type { Handlers } from '../requests.ts';
import { ask, currentRun, threadOf } from '../run.ts';
import { engineSource, pathOf } from '../sources.ts';

export const ALWAYS_ANSWERED: Handlers<'threads' | 'pause' | 'loadedSources' | 'source'> = {
  async threads({ run }) {
    if (run === null || run.state === 'ended' || run.options.noDebug) return { threads: [] };
    const rows = await ask(run, 'threads', null);
    return { threads: rows.map(({ pid, name }) => ({ id: threadOf(pid), name })) };
  },

  pause(context) {
    const run = currentRun(context);
    if (run.options.noDebug) throw new RequestError('This run is not being debugged: it can be stopped, but not paused.');
    if (run.state !== 'stopped') run.client.pause();
  },

  loadedSources({ conventions, files }) {
    return { sources: files.tables().files.map(({ path }) => engineSource(conventions, files, path)) };
  },

  source(context, { source }) {
    const path = pathOf(context.conventions, source);
    if (!isKnownSource(context, path)) throw new RequestError(`${path} belongs neither to the scenario nor to the engine.`);
    return { content: fs.readFileSync(path, 'utf8'), ...(path.endsWith('.ts') ? { mimeType: 'text/x-typescript' } : {}) };
  },
};

function isKnownSource({ run, files }: Context, path: string): boolean {
  if (run?.scenario.program.files.some((one) => isSamePath(one, path)) === true) return true;
  const match = matchEngineFile(files, path);
  return match.kind === 'same' && isSamePath(nativePath(files, files.tables().files[match.file]!.path), path);
}
