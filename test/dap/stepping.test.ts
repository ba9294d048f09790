// Steps in both worlds, as transcripts of what a person sees: `step → place: locals`. A change in the engine's source changes them: write them anew
// with UPDATE_GOLDENS=1 and read the difference.
import assert from 'node:assert/strict';
import type { Debugging } from './debugging.ts';
import { golden } from './debugging.ts';
import { debug } from './with-session.ts';

type Kind = 'next' | 'stepIn' | 'stepOut';

/** Which frames a run gets is not what these transcripts are about. */
function withoutPages(line: string): string {
  return line.replaceAll(/\bpage \d+/g, 'page N').replaceAll(/\btotal = \d{2,}/g, 'total = N').replaceAll(/\bzeroed = \d{2,} \(0x\w+\)/g, 'zeroed = an address');
}

/** Takes steps and writes down where each leads. */
async function transcript(session: Debugging, steps: readonly Kind[]): Promise<string> {
  const lines = [`at ${await session.glance()}`];
  for (const step of steps) {
    const { reason } = await session.go(step);
    lines.push(`${step} → ${reason === 'step' ? '' : `(${reason}) `}${await session.glance()}`);
  }
  return `${lines.map(withoutPages).join('\n')}\n`;
}

const times = (count: number, kind: Kind): Kind[] => Array<Kind>(count).fill(kind);

describe('steps', () => {
  it('next goes over calls of the scenario and of the kernel', () => debug('walk', { launch: { stopOnEntry: true } }, async (session) => {
    assert.equal((await session.stopped()).reason, 'entry');
    golden('next-in-the-scenario', await transcript(session, times(19, 'next')));
  }));

  it('stepIn enters a def, stepOut leaves it', () => debug('walk', { lines: ['call'] }, async (session) => {
    await session.stopped();
    golden('in-and-out-of-a-def', await transcript(session, ['stepIn', 'next', 'stepOut', 'next']));
  }));

  it('stepIn enters the kernel at the call it causes', () => debug('walk', { lines: ['alloc'] }, async (session) => {
    await session.stopped();
    golden('into-the-kernel', await transcript(session, times(14, 'stepIn')));
  }));

  it('next in the kernel stays in its function, stepOut leaves it, up to the scenario', () => debug('walk', { functions: ['alloc_pages order>3'] }, async (session) => {
    await session.stopped();
    golden('through-the-kernel', await transcript(session, ['next', 'next', 'stepIn', 'next', 'next', 'stepIn', 'stepOut', 'stepOut', 'stepOut', 'stepOut', 'stepOut', 'next']));
  }));

  it('stepOut at an event leaves the function that passes it', () => debug('walk', { functions: ['mm_page_alloc order > 3'] }, async (session) => {
    await session.stopped();
    golden('out-of-an-event', await transcript(session, ['stepOut', 'stepOut']));
  }));

  it('goes through the boot', () => debug('walk', { lines: ['boot'] }, async (session) => {
    await session.stopped();
    assert.deepEqual((await session.stack()).map(({ name }) => name), ['boot', 'start_kernel']);
    golden('through-the-boot', await transcript(session, ['stepIn', 'stepOut', 'next', 'next', 'next']));
  }));

  it('a breakpoint on the way ends a step', () => debug('walk', { lines: ['call', 'second'] }, async (session) => {
    await session.stopped();
    await session.setLines(['second']);
    assert.equal((await session.go('next')).reason, 'breakpoint');
    assert.match(await session.glance(), /^twice walk\.pagewalk `let second = /);
  }));

  it('a step at the very end leads to the end', () => debug('walk', { lines: ['last'] }, async (session) => {
    await session.stopped();
    assert.equal((await session.go('next')).reason, 'end');
    assert.equal(await session.finish(), 0);
  }));
});
