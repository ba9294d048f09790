// A client that asks anything at any time: every request is answered, and no answer and no output is a fault of ours.
import assert from 'node:assert/strict';
import { Refusal } from './client.ts';
import type { Debugging } from './debugging.ts';
import { enginePath, scenarioPath } from './debugging.ts';
import { debug } from './with-session.ts';

type Random = (below: number) => number;

/** The same numbers for the same seed. */
function randomNumbers(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >> 8) % below;
  };
}

const EXPRESSIONS = [
  'zones', 'current', 'order', 'page(1000)', 'nodes[0].zones.NORMAL.free_area[3]', 'mem_map', 'len(nodes)', '1 / 0', '"a" + 1', 'x.y.z', 'page(-1)', '((',
];
const FUNCTIONS = [['mm_*'], ['alloc_pages order > 1'], ['nothing'], []];
const FILTERS = [['bug'], ['failed_expectation', 'allocation_failure'], []];

/** A request and its arguments. `ids` are references and frames, alive and stale. */
function anyRequest(random: Random, scenario: string, ids: readonly number[]): [string, object] {
  const pick = <T>(from: readonly T[]): T => from[random(from.length)]!;
  const threadId = 1 + random(3);
  const lines = Array.from({ length: random(4) }, () => ({ line: random(40), hitCondition: pick(['', '%3', 'x']) }));
  return pick<[string, object]>([
    ['continue', { threadId }], ['next', { threadId }], ['stepIn', { threadId }], ['stepOut', { threadId }], ['pause', { threadId }], ['threads', {}],
    ['stackTrace', { threadId, startFrame: random(3), levels: random(4) }],
    ['scopes', { frameId: pick(ids) }],
    ['variables', { variablesReference: pick(ids), start: random(100), count: random(10), filter: pick([undefined, 'named', 'indexed']) }],
    ['variables', { variablesReference: pick(ids) }],
    ['evaluate', { expression: pick(EXPRESSIONS), context: 'watch', frameId: pick([undefined, ...ids]) }],
    ['evaluate', { expression: `proc ${pick(['buddyinfo', 'zoneinfo', 'nothing'])}`, context: 'repl' }],
    ['pagewalk/zones', {}], ['exceptionInfo', { threadId }], ['restart', {}], ['loadedSources', {}], ['nonsense', {}],
    ['setBreakpoints', { source: { path: pick([scenarioPath(scenario), enginePath('mm/page_alloc.ts')]) }, breakpoints: lines }],
    ['setFunctionBreakpoints', { breakpoints: pick(FUNCTIONS).map((name) => ({ name })) }],
    ['setExceptionBreakpoints', { filters: pick(FILTERS) }],
    ['breakpointLocations', { source: { path: scenarioPath(scenario) }, line: random(40), endLine: 60 }],
  ]);
}

/** Every id in an answer that a client could ask with. */
function idsIn(body: unknown): number[] {
  return [...JSON.stringify(body ?? null).matchAll(/"(?:variablesReference|id)":(\d+)/g)].map((match) => Number(match[1])).filter((id) => id > 0);
}

async function askAnything(session: Debugging, random: Random, count: number): Promise<void> {
  let ids = [1, 2, 3];
  const askOnce = async (): Promise<void> => {
    const [command, args] = anyRequest(random, session.scenario, ids);
    try {
      ids = [...idsIn(await session.client.request(command, args)).slice(0, 10), ...ids].slice(0, 40);
    } catch (error) {
      assert.ok(error instanceof Refusal, String(error));
      assert.ok(!error.message.startsWith('Pagewalk: '), `${command} ${JSON.stringify(args)}: ${error.message}`);
    }
  };
  for (let i = 0; i < count && session.client.events('terminated').length === 0; i++) await Promise.all(Array.from({ length: 1 + random(3) }, askOnce));
}

describe('a client that asks anything', () => {
  for (const scenario of ['walk', 'two-tasks', 'stops', 'long']) {
    for (const seed of [1, 2, 3]) {
      it(`of ${scenario}, seed ${seed}`, () => debug(scenario, { functions: ['alloc_pages'], launch: { stopOnEntry: true } }, async (session) => {
        await askAnything(session, randomNumbers(seed), 150);
        assert.doesNotMatch(session.client.output('important'), /fault of Pagewalk/);
      }));
    }
  }
});
