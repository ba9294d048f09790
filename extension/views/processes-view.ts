// The view "Processes" in the debug side bar: process → memory area → page tables → entries → pages, as they stand at this stop. Areas and what is
// below them are asked for when they are opened.
import type { DebugSession } from 'vscode';
import type { PageTableResponse, PageTablesResponse, ProcessesResponse, VmasResponse } from '../../debug-adapter/protocol.ts';
import { PROCESSES_VIEW } from '../names.ts';
import type { ProcessTreeRow } from './processes-rows.ts';
import { entryRows, processesRows, tableRows, vmaRows } from './processes-rows.ts';
import type { Row } from './rows.ts';
import type { StopTreeKind } from './stop-tree.ts';

export const PROCESSES: StopTreeKind<ProcessesResponse> = {
  view: PROCESSES_VIEW, request: 'pagewalk/processes', noun: 'processes', opensItself: true, rows: processesRows, load: loadBelow,
};

/** Rows below a process, an area or a table. */
async function loadBelow(session: DebugSession, row: Row): Promise<Row[]> {
  const { below } = row as ProcessTreeRow;
  switch (below?.what) {
    case 'vmas': return vmaRows(await session.customRequest('pagewalk/vmas', { pid: below.pid }) as VmasResponse, below.pid);
    case 'tables': {
      const { tables } = await session.customRequest('pagewalk/pageTables', { pid: below.pid, start: below.start }) as PageTablesResponse;
      if (tables.length !== 1) return tableRows({ tables }, below.pid);
      return loadEntries(session, below.pid, tables[0]!);
    }
    case 'entries': return loadEntries(session, below.pid, below);
    default: return [];
  }
}

async function loadEntries(session: DebugSession, pid: number, { start, end }: { start: string; end: string }): Promise<Row[]> {
  return entryRows(await session.customRequest('pagewalk/pageTable', { pid, start, end }) as PageTableResponse, pid);
}
