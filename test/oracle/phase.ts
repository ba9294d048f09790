// A stretch of a trace with one state at its beginning, and what is counted in it.

import type { Check } from './report.ts';

export const RULES = 'PA-8..15';
export const BOOT = 'boot';
const KOPS = 'kops';

export interface Phase {
  /** The last MARK, or what else the phase follows. */
  name: string;
  pages: Check;
  script: Check;
  /** Whether the recorder is known to have been on since the state that the phase begins with. */
  isOpen: boolean;
  /** Pages moved since the last dump. */
  hasMoved: boolean;
}

export function newPhase(name: string, options: { isOpen: boolean }): Phase {
  return {
    name, isOpen: options.isOpen, hasMoved: false,
    pages: { rules: RULES, what: `${name} alloc/free`, same: 0, total: 0, difference: null },
    script: { rules: RULES, what: `${name} script (OP)`, same: 0, total: 0, difference: null },
  };
}

export function renamePhase(phase: Phase, name: string): void {
  phase.name = name;
  phase.pages.what = `${name} alloc/free`;
  phase.script.what = `${name} script (OP)`;
}

/** The allocation script's phase, and a boot with nothing after it, need no name of their own. */
export function nameChecks(checks: readonly Check[]): Check[] {
  const has = (phase: string): boolean => checks.some((check) => check.what.startsWith(`${phase} `));
  const isPlain = (what: string): boolean => what.startsWith(`${KOPS} `) || (what.startsWith(`${BOOT} `) && !has(KOPS));
  return checks.map((check) => (isPlain(check.what) ? { ...check, what: check.what.slice(check.what.indexOf(' ') + 1) } : check));
}
