// What the instrumented engine calls: the build resolves its import of 'pagewalk:hooks' to this file.
//
// A hook is one test in the engine's code:
//     if (--__c[0] < 0 || (__bp[P] && __test[P](zone, order))) __stop(P)
// so everything the debugger ever wants is said by three things: when to look next (`__c`), where to look (`__bp`), and
// what to do then (`setStopHandler`). The frames of a task that are running or asleep lie in its Shadow:
//
//     b = sp at entry      v[b … b+size)   the values of a plain function, by slot
//                          th[b]           the values of a generator, as a function that reads them
//                          pl[b]           the place of the call in progress
//     sp                   the first free index; a frame moves it by its size (FunctionInfo.size)

export interface Shadow {
  sp: number;
  pl: Int32Array;
  v: unknown[];
  th: ((() => unknown[]) | null)[];
}

/** Called by a hook that was told to look; `values` only from a function without frame. It may throw `__REWIND`. */
export type StopHandler = (place: number, values: unknown[] | undefined) => void;

/** The largest count: nobody wants to look. */
export const NEVER = 0x7fffffff;

/** How many indices of the shadow stack a task has: some 1,000 calls of ordinary size. */
const SHADOW_SIZE = 8192;

/** Room for places: the engine's, and after them the scenario's statements. */
const MAX_PLACES = 1 << 16;

export const always = (): boolean => true;

/** [0] counts hooks down; the hook that makes it negative looks. */
export const __c = new Int32Array([NEVER]);

/** A byte for each place; any bit set means "look". What the bits mean is the breakpoints' business. */
export const __bp = new Uint8Array(MAX_PLACES);

/** For each entry place the condition, called with the parameters by position, `k` left out. */
export const __test: ((...parameters: unknown[]) => boolean)[] = new Array<() => boolean>(MAX_PLACES).fill(always);

/** Thrown to unwind every call of the engine for time travel; each `catch` in the engine lets it pass. */
export const __REWIND: object = Object.freeze({ name: 'REWIND' });

export function makeShadow(): Shadow {
  return { sp: 0, pl: new Int32Array(SHADOW_SIZE), v: new Array<unknown>(SHADOW_SIZE).fill(0), th: new Array<null>(SHADOW_SIZE).fill(null) };
}

/** The shadow stack of the task that runs; the scheduler's `switch_to` exchanges it. */
export const __cur: { t: Shadow } = { t: makeShadow() };

const handler: { stop: StopHandler } = {
  stop: () => {
    __c[0] = NEVER;
  },
};

/** Sets what a hook does when it looks. Without one, looking is put off for ever. */
export function setStopHandler(stop: StopHandler): void {
  handler.stop = stop;
}

export function __stop(place: number, values?: unknown[]): void {
  handler.stop(place, values);
}
