// What is said when the emulator itself is at fault, and where colours go. These look inside the command: nothing outside can break the emulator.
import assert from 'node:assert/strict';
import { compileScenario } from '../../language/index.ts';
import { lawWatcher } from '../../cli/laws.ts';
import { emulatorReport } from '../../cli/report-broken.ts';
import type { Watcher } from '../../cli/run-machine.ts';
import { EmulatorBroke, runProgram } from '../../cli/run-machine.ts';
import { wantsColours } from '../../cli/terminal.ts';
import { grouped, showTime } from '../../language/runtime/index.ts';
import { driver } from './pagewalk.ts';

describe('a broken emulator', () => {
  const data = compileScenario(driver('sleep 1ms', 'print("two")'), 'case.pagewalk').program!;

  const reportOf = (watcher: Watcher): string => {
    try {
      runProgram(data, 1_000_000, watcher);
    } catch (error) {
      assert.ok(error instanceof EmulatorBroke);
      return emulatorReport(data, error);
    }
    return assert.fail('the run went well');
  };

  it('is reported with the law that is broken', () => {
    const report = reportOf({ ...lawWatcher(), booted: (k) => void k.nodes[0]!.node_zones[2]!.free_pages++ });
    assert.match(report, new RegExp([
      '^case\\.pagewalk: the emulator itself broke, 0 ns into the run, while swapper ran\\.',
      'The machine broke a law of memory management:',
      '  IV-1: Normal: free_pages is (\\d+), the lists hold (\\d+) pages',
      'This is a fault of Pagewalk, not of the scenario\\. Please report it, with the scenario',
      '\\(seed 1\\) and the lines above\\.\n$',
    ].join('\n')));
  });

  it('is noticed with many processes too, though not at every switch', () => {
    const many = compileScenario('machine { memory 64MiB } process p times 60 { store(mmap(4KiB), 1)  sleep 1ms }', 'many.pagewalk').program!;
    const { boundary } = lawWatcher();
    let switches = 0;
    const breakLate: Watcher = { boundary: (k) => {
      if (++switches === 100) k.vm_committed_space++;
      boundary(k);
    } };
    assert.throws(() => runProgram(many, 1_000_000, breakLate), EmulatorBroke);
    assert.ok(switches <= 100 + 60 / 8, `noticed after ${switches - 100} switches`);
  });

  it('is reported with the statement that ran, and a stack', () => {
    const report = reportOf({
      said() {
        throw new RangeError('no such thing');
      },
    });
    assert.match(report, /^case\.pagewalk:4:3: the emulator itself broke, 1\.003 ms into the run, while driver ran\.\n {2}RangeError: no such thing\n {6}at /);
  });
});

describe('colours', () => {
  it('are for terminals, unless NO_COLOR or a dumb one says no', () => {
    assert.equal(wantsColours({ isTTY: true }, { TERM: 'xterm' }), true);
    assert.equal(wantsColours({ isTTY: true }, { TERM: 'xterm', NO_COLOR: '' }), true);
    assert.equal(wantsColours({ isTTY: true }, { TERM: 'xterm', NO_COLOR: '1' }), false);
    assert.equal(wantsColours({ isTTY: true }, { TERM: 'dumb' }), false);
    assert.equal(wantsColours({}, { TERM: 'xterm' }), false);
  });
});

describe('numbers in sentences', () => {
  it('are grouped, and times are in their unit', () => {
    assert.deepEqual([0, 999, 1000, 1234567].map(grouped), ['0', '999', '1,000', '1,234,567']);
    assert.deepEqual([0, 999, 3100, 2_003_100, 61_000_000_000].map(showTime), ['0 ns', '999 ns', '3.1 us', '2.003 ms', '61 s']);
  });
});
