/** Steps of processes: `fork`, and what they do with their memory themselves, `load`, `store` and `touch`. */
import type { Kernel, VirtAddr, Wait } from '../../engine/index.ts';
import {
  VM_WRITE, charge, cond_resched, current_mm, do_fork, find_vma, load_byte, load_user, signal_pending, store_byte, store_user, touch_user,
  try_load_user, try_store_user, try_touch_user,
} from '../../engine/index.ts';
import { byteOf, registerAddress } from './call.ts';
import { placed } from './errors.ts';
import type { Closure } from './evaluate.ts';
import type { Frame, Instruction, Position, Span } from './program.ts';
import { seedOfChild } from './random.ts';
import type { Outcome, Run, Step } from './step.ts';
import { inEngine, keep, link, next } from './step.ts';
import type { Integer, Value } from './values.ts';
import { BINARY } from './values.ts';

// ---- fork -------------------------------------------------------------------------------------------------------------

/** The parent has the child's pid, or a negative errno, and goes on behind the block. */
export function fork({ name, slot, to }: Instruction & { op: 'fork' }): Step {
  return {
    go: () => 'block',
    *block(k, run, frame) {
      const pid = yield* inEngine(k, run, () => {
        charge(k, k.cost.syscall);
        return do_fork(k, { name, comm: name, program: positionOfChild(run.position) });
      });
      if (pid > 0) (k.tasks[pid]!.program as Position).random = seedOfChild(run.position, pid);
      if (!run.position.forked.includes(name)) run.position.forked.push(name);
      keep(frame, slot, pid);
      frame.pc = to;
    },
  };
}

/** The child stands where its parent stands, in front of its block, with variables of its own. */
function positionOfChild(parent: Position): Position {
  const lists = new Map<Value, Value>();
  const frames = parent.frames.map((frame) => ({ ...frame, slots: frame.slots.map((value) => copyOf(value, lists)) }));
  frames.at(-1)!.pc++;
  return { ...parent, frames, isReschedDue: false, isInCall: false, forked: [] };
}

/** Two variables with the same list have the same one in the child, too. Everything but a list is never changed. */
function copyOf(value: Value, lists: Map<Value, Value>): Value {
  if (!Array.isArray(value)) return value;
  const known = lists.get(value);
  if (known !== undefined) return known;
  const copy: Value[] = [];
  lists.set(value, copy);
  for (const item of value) copy.push(copyOf(item, lists));
  return copy;
}

// ---- load and store ---------------------------------------------------------------------------------------------------

/** Of a process: most accesses hit, and the others are page faults that may sleep. */
export function userLoad({ args, slot, at }: Instruction & { op: 'kernel' }): Step {
  const address = addressReader(args.map(link), at);
  return {
    go(k, _, frame) {
      const byte = try_load_user(k, address(k, frame));
      return byte < 0 ? 'block' : keep(frame, slot, byte);
    },
    *block(k, run, frame) {
      const byte = yield* inEngine(k, run, () => load_user(k, address(k, frame)));
      if (!signal_pending(run.task)) keep(frame, slot, byte);
    },
  };
}

export function userStore({ args, slot, at }: Instruction & { op: 'kernel' }): Step {
  const closures = args.map(link);
  const address = addressReader(closures, at);
  const byte = (k: Kernel, frame: Frame): number => placed(at, () => byteOf(closures[1]!(k, frame.slots)));
  return {
    go: (k, _, frame) => (try_store_user(k, address(k, frame), byte(k, frame)) < 0 ? 'block' : keep(frame, slot, 0)),
    *block(k, run, frame) {
      yield* inEngine(k, run, () => store_user(k, address(k, frame), byte(k, frame)));
      if (!signal_pending(run.task)) keep(frame, slot, 0);
    },
  };
}

function addressReader([first]: readonly Closure[], at: Span): (k: Kernel, frame: Frame) => VirtAddr {
  return (k, frame) => placed(at, () => registerAddress(k, first!(k, frame.slots)));
}

// ---- touch ------------------------------------------------------------------------------------------------------------

type Touch = Instruction & { op: 'touch' };

/** Accesses between two times that the world outside hears of a `touch`. A power of two. */
const ACCESSES_A_PULSE = 64;
const PAGE = 4096;

/** How far it is stands in the frame: a task may lose its CPU between two accesses, and sleep in any. */
export function touch(instruction: Touch): Step {
  return {
    go: (k, run, frame) => touchOn(k, run, frame, instruction),
    *block(k, run, frame) {
      const { position, host, task } = run;
      let call = position.isInCall ? host.resumeCall!(k, task) : fault(k, frame, instruction);
      for (;;) {
        position.isInCall = true;
        yield* call;
        position.isInCall = false;
        if (signal_pending(task)) return;
        advance(frame, instruction);
        position.isReschedDue = true;
        const outcome = touchOn(k, run, frame, instruction);
        if (outcome === 'resched') yield* cond_resched(k);
        if (outcome !== 'block') return;
        call = fault(k, frame, instruction);
      }
    },
  };
}

/** Not by inEngine: page faults are what there is most of, and each layer of generators costs. */
function fault(k: Kernel, frame: Frame, instruction: Touch): Generator<Wait, number, void> {
  const address = nextAddress(k, frame, instruction);
  return touch_user(k, address, isWrite(k, address, instruction));
}

/** One access after another, up to one that is a page fault, or to the end. */
function touchOn(k: Kernel, { position, host, task }: Run, frame: Frame, instruction: Touch): Outcome {
  for (let accesses = 1; ; accesses++) {
    if (isDone(frame, instruction)) return next(frame);
    if (position.isReschedDue && k.now >= k.sched.horizon) {
      position.isReschedDue = false;
      return 'resched';
    }
    const address = nextAddress(k, frame, instruction);
    if (task.kind === 'kernel') touchKernel(k, address, instruction);
    else if (try_touch_user(k, address, isWrite(k, address, instruction)) < 0) return 'block';
    advance(frame, instruction);
    position.isReschedDue = true;
    if (accesses % ACCESSES_A_PULSE === 0) host.working?.(k, ACCESSES_A_PULSE);
  }
}

/** Kernel memory is there, or the access is an oops. What is written is what is there. */
function touchKernel(k: Kernel, address: VirtAddr, { mode }: Touch): void {
  charge(k, k.cost.access);
  const byte = load_byte(k, address);
  if (mode !== 'read') store_byte(k, address, byte);
}

/** Without a mode, a write where the area may be written. */
function isWrite(k: Kernel, address: VirtAddr, { mode }: Touch): 0 | 1 {
  if (mode !== null) return mode === 'write' ? 1 : 0;
  const vma = find_vma(k, current_mm(k)!, address);
  return vma !== null && (vma.vm_flags & VM_WRITE) !== 0 ? 1 : 0;
}

function nextAddress(k: Kernel, frame: Frame, { state }: Touch): VirtAddr {
  return registerAddress(k, frame.slots[state]);
}

function isDone({ slots }: Frame, { state }: Touch): boolean {
  const address = slots[state] as Integer;
  const end = slots[state + 1] as Integer;
  return (slots[state + 2] as Integer) > 0 ? address >= end : address <= end;
}

/** Without a step, accesses after the first are to the beginnings of pages: one for each page that the range has a part of. */
function advance({ slots }: Frame, { state, hasStep, at }: Touch): void {
  const address = slots[state] as Integer;
  const step = slots[state + 2] as Integer;
  if (typeof address === 'number' && typeof step === 'number') {
    slots[state] = (hasStep ? address : address - (address % PAGE)) + step;
    return;
  }
  const from: Value = hasStep ? address : placed(at, () => BINARY['-']!(address, BINARY['&']!(address, PAGE - 1)));
  slots[state] = placed(at, () => BINARY['+']!(from, step));
}
