// What expressions read of the machine, and how the Variables view shows it, on a machine of 64 MiB (KERNEL.md PA-6, PA-7, B-5).
import assert from 'node:assert/strict';
import type { Machine } from '../../engine/index.ts';
import { compileExpression } from '../../language/index.ts';
import type { Value } from '../../language/runtime/index.ts';
import {
  EvaluationError, MACHINE, childCounts, children, compileCondition, compileLog, describe as describeValue, describeExpression, evaluate,
  indexedChildren, namedChildren, nodeValue, pageAt, taskValue, toText, toValue, zoneValue,
} from '../../language/runtime/index.ts';
import { compiled, idleMachine, watched } from './running.ts';

describe('an expression about the machine', () => {
  let machine: Machine;
  before(() => {
    machine = idleMachine();
  });

  const readings: [string, Value][] = [
    ['zones.NORMAL.pages_min + zones.NORMAL.pages_low + zones.NORMAL.pages_high', 192 + 240 + 288],
    ['zones.DMA.lowmem_reserve', [0, 0, 48, 48]],
    ['zones.NORMAL.present_pages', 12288],
    ['nodes[0].zones.NORMAL == zones.Normal', true],
    ['zones["NORMAL"].name', 'Normal'],
    ['zones.NORMAL.pcp[0].hot.high', 18],
    ['zones.NORMAL.pcp[0].cold.batch', 1],
    ['len(zones.NORMAL.free_area)', 11],
    ['zones.HIGHMEM.present_pages', 0],
    ['len(nodes)', 1],
    ['nodes[0].id', 0],
    ['page(0).flag("PG_reserved") && page(0).flag("reserved")', true],
    ['page(0)._count', 1],
    ['page(0)._mapcount', -1],
    ['page(100).zone == zones.DMA', true],
    ['page(16383).zone.name', 'Normal'],
    ['page(0).node == nodes[0]', true],
    ['zones.NORMAL.free_area[10].blocks[0].order', 10],
    ['zones.NORMAL.free_area[10].blocks[0].flag("PG_buddy")', true],
    ['processes.driver.state', 'R'],
    ['processes["driver"].pid', 1],
    ['len(processes)', 3],
    ['events.mm_page_alloc', 0],
    ['vmstat.nr_slab == vmstat.pgalloc_normal', true],
    ['vmstat.nr_dirty', 0],
    ['meminfo.LowTotal == meminfo.MemTotal', true],
    ['jiffies', 0],
    ['totalram_pages > 0 && totalhigh_pages == 0 && totalreserve_pages > 0', true],
    ['vm_total_pages', 16384],
    ['sysctl.min_free_kbytes', 1024],
    ['sysctl.lowmem_reserve_ratio', [256, 256, 32]],
    ['[min(3, 1, 2), max([4, 9]), sum([1, 2]), sum(), abs(-5), len("abc")]', [1, 9, 3, 0, 5, 3]],
    ['hex(0xC0000000 + 1)', '0xc0000001'],
  ];
  for (const [text, value] of readings) it(`reads ${text}`, () => assert.deepEqual(watched(machine, text), value));

  const errors: [string, string][] = [
    ['zones.NORMAL.colour', '1:1 `zones.NORMAL` has no member `colour`: known are name, free_pages, pages_min, pages_low, pages_high, lowmem_reserve, free_area, pcp, nr_active, nr_inactive, active_list, inactive_list ….'],
    ['1 + zones.MOVABLE', '1:5 `zones` has no member `MOVABLE`: known are DMA, NORMAL.'],
    ['zones.NORMAL.free_area[11]', '1:1 Index 11 is outside 0 … 10.'],
    ['nothing', '1:1 Unknown name `nothing`.'],
    ['(5).x', '1:1 An integer has no members.'],
    ['5[0]', '1:1 A list is expected, not an integer.'],
    ['page(-1)', '1:1 There is no frame -1: this machine has 0 … 16383.'],
    ['page(1).flag("PG_pink")', '1:1 `flag` takes the name of a page flag'],
    ['zones.NORMAL < 5', '1:1 An integer is expected, not a zone.'],
    ['page_of(4096)', '1:1 0x1000 is no address of the kernel\'s map of low memory.'],
  ];
  for (const [text, message] of errors) {
    it(`says what is wrong with ${text}`, () => {
      assert.throws(() => evaluateText(machine, text), (error) => error instanceof EvaluationError && `${error.at.line}:${error.at.column} ${error.message}`.startsWith(message));
    });
  }

  it('is refused where it acts', () => {
    assert.match(compileExpression('1 + alloc_pages(0, 0)').problems[0]!.message, /only look/);
    assert.match(compileExpression('random(5)').problems[0]!.message, /only look/);
    assert.match(compileExpression('alloc(1)').problems[0]!.message, /There is no function `alloc`/);
    assert.match(compileExpression('swaps.sda2').problems[0]!.message, /not modelled yet/);
    assert.match(compileExpression('1 +').problems[0]!.message, /./);
  });
});

function evaluateText(machine: Machine, text: string): Value {
  const { expression, problems } = compileExpression(text);
  if (expression === null) throw new Error(problems[0]!.message);
  return evaluate(machine.k, expression, new Map());
}

describe('an expression in a watch', () => {
  const { k } = idleMachine();
  const frame = new Map<string, unknown>([['page', pageAt(k, 0)], ['n', 12288]]);
  const described = (text: string): { value: Value; text: string } => {
    const { expression } = compileExpression(text, [...frame.keys()]);
    return describeExpression(k, expression!, frame);
  };

  const shown: [string, string][] = [
    ['page(0).flags', 'PG_reserved'],
    ['page.flags', 'PG_reserved'],
    ['page(0).flags + 0', '1024'],
    ['page(0).mapping', '0x0'],
    ['zones.NORMAL.present_pages', '12288 (48 MiB)'],
    ['zones["NORMAL"].present_pages', '12288 (48 MiB)'],
    ['n', '12288'],
    ['meminfo["SwapTotal"]', '0 kB'],
    ['zones.NORMAL.name', '"Normal"'],
    ['zones["NORMAL"].lowmem_reserve[0]', '0'],
    ['page.lru', 'next 0, prev 0'],
    ['nodes[0]', 'node 0: 16384 (64 MiB)'],
  ];
  for (const [text, line] of shown) it(`shows ${text}`, () => assert.equal(described(text).text, line));

  it('shows every member of an object as the Variables view does, with the same value', () => {
    for (const object of ['page(0)', 'page(5000)', 'zones.NORMAL', 'nodes[0]', 'zones.NORMAL.pcp[0].hot', 'current', 'meminfo', 'vmstat', 'sysctl']) {
      for (const { name, value, text } of namedChildren(k, described(object).value)) {
        assert.deepEqual(described(`${object}.${name}`), { value, text }, `${object}.${name}`);
      }
    }
    for (const { name, value, text } of namedChildren(k, MACHINE)) assert.deepEqual(described(name), { value, text }, name);
  });

  it('says what is wrong, and where', () => {
    const wrong: [string, string][] = [
      ['1 + page(-1).flags', '1:5 There is no frame -1: this machine has 0 … 16383.'],
      ['page(0).flugs', '1:1 `page(0)` has no member `flugs`: known are pfn, flags, _count, _mapcount, private, mapping, index, lru, order, zone, node, mapped_by.'],
    ];
    for (const [text, message] of wrong) {
      assert.throws(() => described(text), (error) => error instanceof EvaluationError && `${error.at.line}:${error.at.column} ${error.message}` === message);
    }
  });
});

describe('a condition', () => {
  const { k } = idleMachine();
  const condition = (text: string, parameters: string[], values: unknown[]): boolean => {
    const { expression } = compileExpression(text, parameters);
    return compileCondition(expression!, parameters)(k, values);
  };

  it('reads parameters by their place, before all other names', () => {
    assert.equal(condition('order > 3 && !(gfp_mask & __GFP_WAIT)', ['gfp_mask', 'order'], [0x20, 4]), true);
    assert.equal(condition('order > 3 && !(gfp_mask & __GFP_WAIT)', ['gfp_mask', 'order'], [0xd0, 4]), false);
    assert.equal(condition('zones == 5', ['zones'], [5]), true);
  });

  it('reads the engine\'s own records', () => {
    const zone = k.nodes[0]!.node_zones[2]!;
    assert.equal(condition('zone.name == "Normal" && zone == zones.NORMAL', ['zone'], [zone]), true);
    assert.equal(condition('pcp.batch == 3 && pcp.count >= 0', ['pcp'], [zone.pageset[0]!.pcp[0]]), true);
    assert.equal(condition('node.id == 0 && len(list.zones) == 2 && list.zones[0] == zones.NORMAL', ['node', 'list'], [k.nodes[0], k.nodes[0]!.node_zonelists[0]]), true);
    assert.equal(condition('task.comm == "driver"', ['task'], [k.tasks[1]]), true);
    assert.equal(condition('nothing == 0', ['nothing'], [undefined]), true);
  });

  it('is refused for an unknown name before it is ever evaluated', () => {
    assert.throws(() => compileCondition(compileExpression('ordr > 3').expression!, ['order']), EvaluationError);
  });

  it('of a `stop on` comes with its log text', () => {
    const data = compiled('const BIG = 3 kernel k { }\nstop on kmem:mm_page_alloc when order > BIG hits 2 log "{{order}} {order + BIG} {1 / (order - 4)} {hex(255)} \\"{order}\\""');
    const [stop] = data.stops;
    const names = new Map(Object.entries(data.constants));
    assert.deepEqual([stop!.event, stop!.hits, stop!.line], ['kmem:mm_page_alloc', 2, 3]);
    assert.equal(compileCondition(stop!.when!, ['order'], names)(k, [4]), true);
    assert.equal(compileLog(stop!.log!, ['order'], names)(k, [4]), '{order} 7 <Division by zero.> 0xff "4"');
  });
});

describe('an object', () => {
  const { k } = idleMachine();
  const shown = (value: Value): string[] => children(k, value).map(({ name, text, hasChildren }) => `${name}: ${text}${hasChildren ? ' >' : ''}`);

  it('is written so that the console reads it again', () => {
    const objects = [zoneValue(0, 2), nodeValue(0), pageAt(k, 7), taskValue(1), watched({ k } as Machine, 'zones.DMA.free_area[3].blocks')];
    assert.deepEqual(objects.map((value) => toText(k, value)), ['zones.NORMAL', 'nodes[0]', 'page(7)', 'processes.driver', 'zones.DMA.free_area[3].blocks']);
    for (const value of objects) assert.deepEqual(watched({ k } as Machine, toText(k, value)), value);
  });

  it('is described by what matters of it', () => {
    assert.equal(describeValue(k, 'text'), '"text"');
    assert.equal(describeValue(k, [1, ['a']]), '[1, ["a"]]');
    assert.equal(describeValue(k, pageAt(k, 0)), 'page 0: _count 1, PG_reserved');
    assert.match(describeValue(k, zoneValue(0, 2)), /^Normal: free \d+ of 12288, min\/low\/high 192\/240\/288$/);
    assert.equal(describeValue(k, taskValue(1)), 'driver (pid 1) R');
  });

  it('opens into its members', () => {
    assert.deepEqual(namedChildren(k, MACHINE).map((child) => child.name), [
      'nodes', 'mem_map', 'caches', 'mempools', 'vmlist', 'processes', 'vmstat', 'meminfo', 'files', 'disks', 'writeback', 'events', 'sysctl', 'tlbs', 'zero_page', 'now', 'jiffies', 'totalram_pages', 'totalhigh_pages', 'totalreserve_pages', 'vm_total_pages',
    ]);
    assert.deepEqual(shown(watched({ k } as Machine, 'zones.NORMAL.pcp[0].cold')), ['count: 0', 'high: 6', 'batch: 1', 'pages: 0 pages']);
    assert.deepEqual(shown(pageAt(k, 0)), [
      'pfn: 0', 'flags: PG_reserved', '_count: 1', '_mapcount: -1', 'private: 0', 'mapping: 0x0', 'index: 0', 'lru: next 0, prev 0 >', 'order: 0',
      `zone: ${describeValue(k, zoneValue(0, 0))} >`, `node: ${describeValue(k, nodeValue(0))} >`, 'mapped_by: []',
    ]);
    assert.deepEqual(shown([1, [2]]), ['[0]: 1', '[1]: [2] >']);
    assert.deepEqual(shown(5), []);
  });

  it('pages what it has many of', () => {
    const memMap = watched({ k } as Machine, 'mem_map');
    assert.deepEqual(childCounts(k, memMap), { named: 0, indexed: 16384 });
    assert.deepEqual(indexedChildren(k, memMap, { start: 16382, count: 100 }).map((child) => child.name), ['[16382]', '[16383]']);
    assert.deepEqual(indexedChildren(k, memMap, { start: 20000, count: 100 }), []);
  });

  it('has members that can all be read', () => {
    const open = (value: Value, depth: number): number => {
      if (depth === 0) return 0;
      return children(k, value).reduce((sum, child) => sum + 1 + open(child.value, depth - 1), 0);
    };
    assert.ok(open(MACHINE, 5) > 500);
  });

  it('comes of a record of the engine; nothing is 0', () => {
    assert.deepEqual(toValue(k.nodes[0]!.node_zones[0]), zoneValue(0, 0));
    assert.deepEqual([toValue(null), toValue(undefined), toValue(Number.NaN), toValue(1.5)], [0, 0, 0, 1]);
    assert.deepEqual(toValue(new Uint8Array([1, 2])), [1, 2]);
    assert.deepEqual(toText(k, toValue({ kind: 'print', text: 'x' })), '{ kind, text }');
    assert.deepEqual(toValue(k.tasks[1]), taskValue(1));
  });
});
