// Every allocation and free since the handover, through the engine's own functions (KERNEL.md B-5, B-7, PA-8 … PA-21): page frames, counts left in
// per-CPU lists, every removal from and insertion into a buddy list with its order and the zone's free pages, in order; then the lists of each dump.
//
// The trace is cut into phases, at its dumps. The first begins with the handover, every other with the state of the dump before it, loaded into the
// engine; it ends at the next dump, which is compared. The recorder was on all through the boot, and through a script that opens with its own MARK
// and dump: there every difference counts. After any other dump the recorder may have been off for a while; where its lines do not follow from one
// another (ledger.ts), or the engine cannot follow them, nothing more is counted here: stretch-check.ts takes it up.

import type { Kernel } from '../../engine/kernel.ts';
import { pfn } from '../../engine/include/types.ts';
import { __GFP_WAIT } from '../../engine/include/gfp.ts';
import { checkLists, checkSizes } from './dump-check.ts';
import type { Ram } from './engine-door.ts';
import { becomeTask, loadDump, release, request } from './engine-door.ts';
import { handOver } from './handover-check.ts';
import { compareDump, enter, openLedger } from './ledger.ts';
import type { Line } from './observer.ts';
import { observe, watch } from './observer.ts';
import { askedIn, compareGroup, groupAt } from './groups.ts';
import { BOOT, RULES, nameChecks, newPhase, renamePhase } from './phase.ts';
import type { PagesVerdict, Replay } from './replay.ts';
import { attempt, countLost, stop } from './replay.ts';
import type { Alloc, Dump, Free, PageEvent, ScriptStep, TraceEvent } from './trace.ts';
import { describe, needsReclaim } from './words.ts';

/** Replays all of a trace; `booting` is the machine whose bootmem calls agreed, with its zones up, or null where it cannot be used. */
export function checkPages(booting: Kernel | null, ram: readonly Ram[], events: readonly TraceEvent[]): PagesVerdict {
  const replay: Replay = {
    ram, events, at: 0, observer: booting && observe(booting), ledger: openLedger(null, []), phase: newPhase(BOOT, { isOpen: true }),
    reclaiming: new Set(), lastAlloc: null, verdict: { checks: [], gaps: [], lost: [], notes: [], atFirstDump: null },
  };
  if (booting !== null) handOver(replay, booting);
  else countLost(replay, 'the machine could not be brought up to free_all_bootmem');
  while (replay.at < events.length) step(replay);
  endPhase(replay);
  return { ...replay.verdict, checks: nameChecks(replay.verdict.checks) };
}

// ---- one event --------------------------------------------------------------------------------------------------------

function step(replay: Replay): void {
  const event = replay.events[replay.at]!;
  switch (event.kind) {
    case 'mark':
      if (!replay.phase.hasMoved) renamePhase(replay.phase, event.name);
      break;
    case 'dump':
      meetDump(replay, event);
      break;
    case 'reclaim':
      if (event.begins) replay.reclaiming.add(event.comm);
      else replay.reclaiming.delete(event.comm);
      break;
    case 'script':
      meetScript(replay, event);
      break;
    case 'alloc': case 'free': case 'take': case 'put':
      meetPages(replay, event);
      return;
    default:
      break;
  }
  replay.at++;
}

/** A request with its refill, or a free with what it trims: the engine does it, and its lines must be the trace's. */
function meetPages(replay: Replay, first: PageEvent): void {
  const group = groupAt(replay.events, replay.at);
  replay.at += group.length;
  const asked = askedIn(group);
  if (replay.observer === null) {
    if (asked !== undefined && replay.phase.pages.difference !== null) replay.phase.pages.total++;
    return;
  }
  const gap = group.map((event) => enter(replay.ledger, event)).find((words) => words !== null);
  if (gap !== undefined && gap !== null && !replay.phase.isOpen) {
    countLost(replay, `the recorder was off before line ${first.line} (${gap})`, group.length);
    return;
  }
  replay.phase.hasMoved = true;
  if (asked !== undefined) replay.phase.pages.total++;
  else {
    stop(replay, { where: `trace line ${first.line}`, kernel: describe(first.text), engine: 'did nothing: no request or free asks for it' });
    return;
  }
  const lines = attempt(replay, () => perform(replay, asked), asked);
  if (lines === null) return;
  if (asked.kind === 'alloc' && replay.lastAlloc === null && (asked.gfp & __GFP_WAIT) !== 0) {
    replay.phase.pages.total--;
    countLost(replay, needsReclaim(asked.line), group.length);
    return;
  }
  const difference = compareGroup(group, lines);
  if (difference === null) replay.phase.pages.same++;
  else stop(replay, difference);
}

function perform(replay: Replay, asked: Alloc | Free): Line[] {
  const observer = replay.observer!;
  becomeTask(observer.k, asked.comm, { reclaims: replay.reclaiming.has(asked.comm) });
  if (asked.kind === 'alloc') {
    return watch(observer, 0, () => {
      replay.lastAlloc = request(observer.k, asked.gfp, asked.order);
    });
  }
  if (observer.isFree[asked.pfn] === 1) throw new Error(`page ${asked.pfn} is free already`);
  return watch(observer, asked.cold, () => release(observer.k, pfn(asked.pfn), asked.order, asked.cold));
}

/** The allocation script's own word on what it got and gave back. */
function meetScript(replay: Replay, event: ScriptStep): void {
  const { observer, phase } = replay;
  if (observer === null && phase.script.difference === null && phase.pages.difference === null) return;
  phase.script.total++;
  if (observer === null) return;
  const engine = event.isAlloc ? scriptAlloc(replay, event) : event.pfn;
  if (engine === event.pfn) phase.script.same++;
  else phase.script.difference ??= { where: `trace line ${event.line}: ${event.text}`, kernel: showPage(event.pfn), engine: showPage(engine) };
}

/** What the engine answered to the script's request: it stands in the line before, unless the kernel had nothing to give. */
function scriptAlloc(replay: Replay, event: ScriptStep): number | null {
  if (event.pfn !== null) return replay.lastAlloc;
  const { observer } = replay;
  becomeTask(observer!.k, '', { reclaims: false });
  let page: number | null = null;
  attempt(replay, () => watch(observer!, 0, () => {
    page = request(observer!.k, event.gfp, event.order);
  }));
  return page;
}

function showPage(page: number | null): string {
  return page === null ? 'no page' : `page ${page}`;
}

// ---- dumps and phases -------------------------------------------------------------------------------------------------

function meetDump(replay: Replay, dump: Dump): void {
  const { observer, phase, verdict } = replay;
  const gap = compareDump(replay.ledger, dump);
  endPhase(replay);
  if (observer !== null && phase.hasMoved) {
    if (gap === null || (phase.isOpen && !beginsAnew(replay))) compareLists(replay, observer.k, dump);
    else verdict.gaps.push(`the dump at line ${dump.line} is not compared: the recorder was off before it (${gap})`);
  }
  begin(replay, dump);
}

function compareLists(replay: Replay, k: Kernel, dump: Dump): void {
  const { phase, verdict, events } = replay;
  const lists = checkLists(k, dump, RULES, `${phase.name} `);
  if (lists.difference !== null && !phase.isOpen) {
    verdict.gaps.push(`the dump at line ${dump.line} is not compared: the recorder may have been off before it (${lists.difference.where} differ)`);
    return;
  }
  verdict.checks.push(lists);
  if (events.find((event) => event.kind === 'dump') !== dump) return;
  verdict.checks.push(checkSizes(k, dump));
  verdict.atFirstDump = k;
}

/** Whether this dump opens a script, as its MARK right before it says. */
function beginsAnew(replay: Replay): boolean {
  const before = replay.events[replay.at - 1];
  return before?.kind === 'mark' && !before.name.endsWith('end');
}

/** Goes on from a dump: with the kernel's lists, whatever the engine's were. */
function begin(replay: Replay, dump: Dump): void {
  const k = loadDump(replay.ram, dump);
  replay.observer = observe(k);
  replay.observer.isFree.set(freeFrames(dump, replay.observer.isFree.length));
  replay.ledger = openLedger(dump, []);
  replay.phase = newPhase(lastMark(replay) ?? 'after the first dump', { isOpen: beginsAnew(replay) });
}

function lastMark(replay: Replay): string | null {
  for (let at = replay.at; at >= 0; at--) {
    const event = replay.events[at]!;
    if (event.kind === 'mark') return event.name;
  }
  return null;
}

function freeFrames(dump: Dump, frames: number): Uint8Array {
  const free = new Uint8Array(frames);
  for (const { lists, pcp } of dump.zones) {
    for (const [order, blocks] of lists.entries()) for (const block of blocks) free.fill(1, block, block + (1 << order));
    for (const { pages } of pcp) for (const page of pages) free[page] = 1;
  }
  return free;
}

function endPhase(replay: Replay): void {
  const { pages, script } = replay.phase;
  if (pages.total > 0) replay.verdict.checks.push(pages);
  if (script.total > 0) replay.verdict.checks.push(script);
}

