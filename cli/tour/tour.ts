// The first minute: one debugging session, told. It is the session that F5 starts in VS Code, with the same adapter and the same breakpoint.
import path from 'node:path';
import type { Terminal } from '../terminal.ts';
import type { DapClient } from './dap-client.ts';
import { startAdapter } from './dap-client.ts';
import type { Stop } from './debugging.ts';
import { launch, locals, resume, setFunctionBreakpoint, zones } from './debugging.ts';
import { clipped, excerpt, placeOf, sourceLine, stackTable, table, zoneTable } from './tables.ts';

const ROOT = path.join(__dirname, '..');
const BREAKPOINT = 'alloc_pages order>3';
const TARGET = 'get_page_from_freelist';
/** Its local that is set just before it asks whether a zone may be used. */
const MARK = 'mark';
const MOST_STEPS = 40;
/** Columns of a row, after its indentation. */
const WIDTH = 116;
/** A line of the kernel log begins with its time. */
const KERNEL_LOG = /^\[ *\d+\.\d+\]/;

/** Debugs `scenario` and tells on `terminal` what is seen. Rejects when the adapter fails. */
export async function tour(scenario: string, terminal: Terminal): Promise<void> {
  const teller = tellerOf(terminal);
  const client = startAdapter(path.join(ROOT, 'dist', 'adapter.cjs'));
  try {
    await tellSession(client, path.resolve(scenario), teller);
  } finally {
    client.close();
  }
}

interface Teller {
  title(text: string): void;
  say(...lines: string[]): void;
  /** Indented rows, cut at the page's width. */
  rows(lines: readonly string[]): void;
  /** Indented rows under a heading. */
  table(lines: readonly string[]): void;
}

function tellerOf({ out }: Terminal): Teller {
  const row = (line: string): string => `    ${clipped(line, WIDTH)}`.trimEnd();
  const rows = (lines: readonly string[]): void => out.write(lines.map((line) => `${row(line)}\n`).join(''));
  return {
    title: (text) => out.write(`\n${out.paint('bold', text)}\n`),
    say: (...lines) => out.write(lines.map((line) => `${line}\n`).join('')),
    rows,
    table([head = '', ...lines]) {
      out.write(`${out.paint('dim', row(head))}\n`);
      rows(lines);
    },
  };
}

async function tellSession(client: DapClient, scenario: string, teller: Teller): Promise<void> {
  teller.title('Pagewalk: memory management in a debugger');
  teller.say(
    `${below(scenario)} runs on an emulated machine with the memory management of Linux 2.6.18.`,
    `This is the session that F5 starts in VS Code, with one function breakpoint: ${BREAKPOINT}`,
  );
  const first = must(await launch(client, scenario, BREAKPOINT), 'the breakpoint');
  const before = await tellStop(client, first, teller);
  const inside = await tellSteps(client, first, teller);
  await tellLocals(client, inside, teller);
  const after = await tellResult(client, inside, before, teller);
  await tellEnd(client, after, teller);
  teller.title('How to go on');
  teller.rows(table([
    ['in VS Code', `open the scenario, add the function breakpoint \`${BREAKPOINT}\`, press F5`],
    ['npm run code', 'opens VS Code, or its workbench in a browser, with the extension in it'],
    ['node bin/pagewalk.cjs run FILE', 'runs a scenario at full speed; scenarios/ has more, each about one thing'],
    ['README.md', 'what a scenario can say, and what is modelled so far'],
  ]));
}

async function tellStop(client: DapClient, stop: Stop, teller: Teller): ReturnType<typeof zones> {
  teller.title(`Stopped: ${stop.text}`);
  teller.say('The call stack, innermost first: functions of the kernel, then the scenario that called them.');
  teller.rows(stackTable(stop.frames, ROOT));
  teller.say('', 'The free memory that the request will find: pages, the zone\'s marks, pages on the CPUs\' own lists, and free blocks of 2^order pages.');
  const now = await zones(client);
  teller.table(zoneTable(now, null));
  return now;
}

/** Steps in, statement by statement, until the function that chooses the zone. */
async function tellSteps(client: DapClient, from: Stop, teller: Teller): Promise<Stop> {
  teller.title(`Step in, to ${TARGET}`);
  const rows: string[][] = [];
  let stop = from;
  for (let i = 0; i < MOST_STEPS && stop.frames[0]?.name !== TARGET; i++) {
    stop = must(await resume(client, 'stepIn', stop), TARGET);
    const frame = stop.frames[0]!;
    rows.push([frame.name, placeOf(frame, ROOT), sourceLine(frame)]);
  }
  teller.rows(table(rows));
  stop = await stepUntilLocal(client, stop, MARK);
  teller.say('', 'A few statements on it asks whether the first zone has enough. The engine\'s own source, as the debugger shows it:');
  teller.rows(excerpt(stop.frames[0]!, 7, 5));
  return stop;
}

/** Steps over statements until the innermost function has a local of that name. */
async function stepUntilLocal(client: DapClient, from: Stop, name: string): Promise<Stop> {
  let stop = from;
  for (let i = 0; i < MOST_STEPS; i++) {
    if ((await locals(client, stop)).some((local) => local.name === name)) break;
    stop = must(await resume(client, 'next', stop), name);
  }
  return stop;
}

async function tellLocals(client: DapClient, stop: Stop, teller: Teller): Promise<void> {
  teller.say('', `Locals of ${stop.frames[0]!.name}:`);
  const rows = (await locals(client, stop)).map(({ name, value }) => [name, value]);
  teller.rows(table(rows));
}

/** Runs on to the moment when the block is handed out. */
async function tellResult(client: DapClient, from: Stop, before: Awaited<ReturnType<typeof zones>>, teller: Teller): Promise<Stop> {
  await setFunctionBreakpoint(client, 'kmem:mm_page_alloc order>3');
  const stop = must(await resume(client, 'continue', from), 'the allocation');
  teller.title(`Stopped: ${stop.text}`);
  teller.say('What the request changed: a larger block was halved until 16 pages were left, and each upper half went to the list of its order.');
  teller.table(zoneTable(await zones(client), before));
  return stop;
}

async function tellEnd(client: DapClient, from: Stop, teller: Teller): Promise<void> {
  teller.title('Continue, to the end');
  if ((await resume(client, 'continue', from)) !== null) throw new Error('The run stopped where nothing should stop it.');
  await client.request('disconnect');
  teller.say('What the run says (its kernel log is left out):');
  const said = client.output.map(({ output }) => output.trimEnd()).filter((text) => !KERNEL_LOG.test(text));
  teller.rows(said.flatMap((text) => text.split('\n')));
}

function must(stop: Stop | null, what: string): Stop {
  if (stop === null) throw new Error(`The run ended before it came to ${what}.`);
  return stop;
}

/** A path as one would type it in the checkout. */
function below(file: string): string {
  return path.relative(ROOT, file).split(path.sep).join('/');
}
