// A task's position is data: a copy of the machine, taken at any moment the scheduler runs, goes on as the machine itself does (DESIGN.md,
// decision 5).
import assert from 'node:assert/strict';
import type { Kernel, Machine } from '../../engine/index.ts';
import { boot_machine, make_machine, run_machine } from '../../engine/index.ts';
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

describe('a copy of the machine', () => {
  it('runs to the same end from wherever the scheduler was', () => {
    const data = compiled(SCENARIO);
    const host = { statement: () => undefined };
    const copies: Kernel[] = [];
    const linked = linkProgram(data, host);
    const machine = make_machine(data.config, linked, { boundary: ({ k }) => copies.push(structuredClone(k)) });
    boot_machine(machine, data.config);
    const end = run_machine(machine);
    linked.finish(machine.k);
    assert.equal(end.reason, 'ended');
    assert.ok(copies.length > 20, `only ${copies.length} moments`);
    for (const [moment, k] of copies.entries()) {
      const program = linkProgram(data, host);
      const again: Machine = { k, coroutines: [], program, hooks: {} };
      assert.deepEqual(run_machine(again), end);
      program.finish(k);
      assert.deepEqual(k, machine.k, `from moment ${moment}`);
    }
  }).timeout(60_000);

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
