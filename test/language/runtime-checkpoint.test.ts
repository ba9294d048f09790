// A task's position is data: a copy of the machine, taken at any moment the scheduler runs, goes on as the machine itself does (DESIGN.md,
// decision 5).
import assert from 'node:assert/strict';
import type { Kernel, Machine } from '../../engine/index.ts';
import { EXIT_ZOMBIE, TASK_INTERRUPTIBLE, TASK_NEW, boot_machine, make_machine, run_machine } from '../../engine/index.ts';
import { PF_EXITING } from '../../engine/include/sched.ts';
import type { Position, ProgramData } from '../../language/runtime/index.ts';
import { linkProgram } from '../../language/runtime/index.ts';
import { compiled } from './running.ts';

const SCENARIO = `
  machine { memory 64MiB cpus 2 seed 3 cost quantum 3us cost statement 1us }
  def work(n, pages) {
    for i in 0 .. n {
      pages[i] = alloc_pages(GFP_KERNEL, i % 3)
      if random(4) == 0 { sleep 40us }
    }
    for i in 0 .. n { free_pages(pages[i], i % 3) }
    return random(100)
  }
  kernel a { let p = [0, 0, 0, 0, 0, 0] print("a", work(6, p), len(p)) }
  kernel b at 2us { let list = [1, [2, 3]] let same = list[1] repeat 8 as i { same[0] += i print(list, i) } wait a print("after a", now) }
  kernel c after b { let d = work(3, [0, 0, 0]) + random(10) print("c", d) expect d < 0 "never" exit d }
  expect events.mm_page_alloc == events.mm_page_free
`;

/** Processes that lose their CPU while they fault, wait for each other, fork and are ended by signals. */
const PROCESSES = `
  machine { memory 64MiB cpus 2 seed 3 cost quantum 9us cost statement 1us }
  process a {
    let list = [1]
    let p = mmap(20pages)
    touch p .. p + 20pages write
    repeat 2 as i {
      fork c { list[0] += i touch p .. p + 20pages step 3pages sleep random(50) * 1us print("c", i, list, load(p), current.anon_rss) }
    }
    print("forked", list)
    wait c
    print("waited", current.anon_rss, random(100))
  }
  process b { let q = fork d { sleep 1s } sleep 30us kill(q, SIGTERM) wait all print("b", processes.d.signal) store(0, 1) }
  process e at 5us dies SIGSEGV { let m = malloc(100) store(m, 5) free(m) touch 0 .. 2pages }
`;

/** Whether no task is inside the engine: how far it is there is not data yet. The kernel's own threads are, but idle: what runs here wakes none. */
function isBetweenCalls({ tasks }: Kernel): boolean {
  return tasks.every(({ kind, state, flags, program, mm, daemon }) => {
    if (daemon !== 0) return state === TASK_INTERRUPTIBLE;
    if (kind === 'idle' || state === EXIT_ZOMBIE || state === TASK_NEW) return true;
    return (flags & PF_EXITING) === 0 && (kind !== 'user' || mm !== 0) && !(program as Position).isInCall;
  });
}

/** Takes a copy at every moment at which the scheduler runs, and lets each run to its end. */
function checkCopies(data: ProgramData, least: number): void {
  const host = { statement: () => undefined };
  const copies: Kernel[] = [];
  const linked = linkProgram(data, host);
  const boundary = ({ k }: Machine): void => {
    if (isBetweenCalls(k)) copies.push(structuredClone(k));
  };
  const machine = make_machine(data.config, linked, { boundary });
  boot_machine(machine, data.config);
  const end = run_machine(machine);
  linked.finish(machine.k);
  assert.equal(end.reason, 'ended');
  assert.ok(copies.length >= least, `only ${copies.length} moments`);
  for (const [moment, k] of copies.entries()) {
    const program = linkProgram(data, host);
    const again: Machine = { k, coroutines: [], program, hooks: {} };
    assert.deepEqual(run_machine(again), end);
    program.finish(k);
    assert.deepEqual(k, machine.k, `from moment ${moment}`);
  }
}

describe('a copy of the machine', () => {
  it('runs to the same end from wherever the scheduler was', () => checkCopies(compiled(SCENARIO), 20)).timeout(60_000);

  it('does so with processes, wherever none is inside a call', () => checkCopies(compiled(PROCESSES), 20)).timeout(60_000);

  it('may be of the program too: it is plain data', () => {
    const data = compiled(`${SCENARIO} const BIG = 0xFFFFFFFFFFFFFFFF stop on alloc_pages when order > BIG log "{order}"`);
    assert.deepEqual(structuredClone(data), data);
  });

  it('waits for the rest of a kernel call that its task was asleep in', () => {
    const data = compiled('kernel a { let p = alloc_pages(GFP_KERNEL, 0) print(p) }');
    const program = linkProgram(data, {
      statement: () => undefined,
      *resumeCall(k) {
        yield* [];
        return k.current * 1000;
      },
    });
    const machine = make_machine(data.config, program);
    boot_machine(machine, data.config);
    const position = machine.k.tasks[1]!.program as { isInCall: boolean; frames: { pc: number }[] };
    position.isInCall = true;
    position.frames[0]!.pc = 1;
    run_machine(machine);
    assert.equal(machine.k.program_output[0]!.text, 'page(1000)');
    assert.equal(position.isInCall, false);
  });
});
