// The view "Page Cache" in the debug side bar: file → its pages, drawn as a strip and one by one, as they stand at this stop. What is below a file is
// asked for when it is opened.
import type { DebugSession } from 'vscode';
import type { FilePagesResponse, FilesArguments, FilesResponse } from '../../debug-adapter/protocol.ts';
import { PAGE_CACHE_VIEW } from '../names.ts';
import type { CacheTreeRow } from './page-cache-rows.ts';
import { FILES_AT_ONCE, filePageRows, furtherFiles, pageCacheRows } from './page-cache-rows.ts';
import type { Row } from './rows.ts';
import type { StopTreeKind } from './stop-tree.ts';

export const PAGE_CACHE: StopTreeKind<FilesResponse> = {
  view: PAGE_CACHE_VIEW, request: 'pagewalk/files', args: { start: 0, count: FILES_AT_ONCE } satisfies FilesArguments, noun: 'page cache',
  rows: pageCacheRows, load: loadBelow,
};

async function loadBelow(session: DebugSession, row: Row): Promise<Row[]> {
  const { below } = row as CacheTreeRow;
  switch (below?.what) {
    case 'files': return furtherFiles(await session.customRequest('pagewalk/files', below.args) as FilesResponse, below.args.start);
    case 'pages': {
      const { ino, start, end } = below;
      return filePageRows(await session.customRequest('pagewalk/filePages', { ino, start, end }) as FilePagesResponse, ino);
    }
    default: return [];
  }
}
