// What both builds of the engine are bundled around: runs a compiled scenario and gives its whole event stream, what it said and its final state.

import type { Kernel, TraceRecord } from '../../engine/index.ts';
import { boot_machine, check_machine, make_machine, resize_ring, run_machine, set_tracing, trace_records } from '../../engine/index.ts';
import type { ProgramData } from '../../language/runtime/index.ts';
import { linkProgram } from '../../language/runtime/index.ts';
import { __bp, __c, setStopHandler } from '../../debug-adapter/worker/hooks.ts';

export interface Recording {
  events: TraceRecord[];
  /** A copy of everything the machine is. */
  k: Kernel;
  reason: string;
  /** Hooks that looked; 0 in the plain build. */
  looks: number;
  broken: string[];
}

/** Records the ring holds between two statements at most. */
const CAPACITY = 1 << 18;

/** Runs a scenario. `looking`: the hooks look at every statement, as under a debugger that steps. */
export function record(data: ProgramData, looking: 'never' | 'always'): Recording {
  let looks = 0;
  const events: TraceRecord[] = [];
  const drain = (k: Kernel): void => {
    const since = events.length;
    if (k.trace.ring.seq - since > CAPACITY) throw new Error('the event ring overflowed between two statements');
    events.push(...trace_records(k, since));
  };
  setStopHandler(() => {
    looks++;
    __c[0] = looking === 'always' ? 0 : 0x7fffffff;
  });
  __bp.fill(looking === 'always' ? 1 : 0);
  __c[0] = looking === 'always' ? 0 : 0x7fffffff;
  const linked = linkProgram(data, { statement: drain });
  const machine = make_machine(data.config, linked, { boundary: ({ k }) => drain(k) });
  resize_ring(machine.k, CAPACITY);
  set_tracing(machine.k, 1);
  boot_machine(machine, data.config);
  const { reason } = run_machine(machine);
  if (reason === 'ended') linked.finish(machine.k);
  drain(machine.k);
  return { events, k: structuredClone(machine.k), reason, looks, broken: check_machine(machine.k) };
}
