// `npm test`: build, types, lint, rooms and every suite, in that order, up to the first failure. `npm run check -- unit dap` runs steps by name.
// The last line adds up what the runners counted: `pagewalk: N passed, N failed`.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { unsupported } from '../test/vscode-host/ensure.mjs';

const ROOT = path.dirname(import.meta.dirname);
const MODULES = path.join(ROOT, 'node_modules');

/** `*.test.ts` in these folders has a step of its own, or is not ours. What runs inside VS Code is called `*.suite.ts`. */
const NOT_UNIT = ['dap', 'vscode-host'];
const ROOMS = ['engine', 'language', 'debug-adapter', 'cli', 'extension', 'build', 'test'];

const mocha = (...args) => [path.join(MODULES, 'mocha/bin/mocha.js'), '--forbid-only', ...args];

/** A step is a Node program; `counts` where it runs tests, `host` where it needs the VS Code of the tests. */
const STEPS = [
  { name: 'build', args: ['build/ensure.mjs', '--build'] },
  { name: 'typecheck', args: [path.join(MODULES, 'typescript/bin/tsc'), '-b'] },
  { name: 'lint', args: [path.join(MODULES, 'eslint/bin/eslint.js'), '.', '--max-warnings', '0'] },
  { name: 'rooms', args: [path.join(MODULES, 'dependency-cruiser/bin/dependency-cruise.mjs'), '--config', '.dependency-cruiser.cjs', '-T', 'err-long', ...ROOMS] },
  { name: 'unit', counts: true, args: mocha('test/**/*.test.ts', ...NOT_UNIT.flatMap((room) => ['--ignore', `test/${room}/**`])) },
  { name: 'dap', counts: true, args: mocha('test/dap/**/*.test.ts') },
  { name: 'extension', counts: true, host: true, args: ['test/extension/run.mjs'] },
  { name: 'browser', counts: true, host: true, args: ['test/ui/run.mjs'] },
];

/** Runs a Node program, showing what it prints; gives its exit status and its output. */
function run(args) {
  return new Promise((resolve, reject) => {
    const env = process.stdout.isTTY ? { ...process.env, FORCE_COLOR: '1' } : process.env;
    const child = spawn(process.execPath, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const show = (stream) => (data) => {
      output += data;
      stream.write(data);
    };
    child.stdout.on('data', show(process.stdout));
    child.stderr.on('data', show(process.stderr));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output: stripVTControlCharacters(output) }));
  });
}

const lastNumber = (output, pattern) => Number([...output.matchAll(pattern)].at(-1)?.[1] ?? 0);

/** What a runner counted: its closing line `name: N passed, N failed`, or mocha's `N passing` and `N failing`. */
function countTests(output) {
  const closing = [...output.matchAll(/^\S+: (\d+) passed, (\d+) failed$/gm)].at(-1);
  if (closing) return { passed: Number(closing[1]), failed: Number(closing[2]) };
  return { passed: lastNumber(output, /^\s*(\d+) passing\b/gm), failed: lastNumber(output, /^\s*(\d+) failing\b/gm) };
}

/** A step's outcome; `failed` is at least 1 where the step did not succeed, for whatever reason. */
async function runStep(step) {
  if (step.host && unsupported()) {
    const isFailure = Boolean(process.env.CI);
    console.log(`check: ${step.name} ${isFailure ? 'failed' : 'skipped'}: ${unsupported()}`);
    return { passed: 0, failed: isFailure ? 1 : 0 };
  }
  const { status, output } = await run(step.args);
  const counted = step.counts ? countTests(output) : { passed: 0, failed: 0 };
  const hasRun = !step.counts || counted.passed + counted.failed > 0;
  if (!hasRun) console.log(`check: ${step.name} executed no test.`);
  return { passed: counted.passed, failed: status === 0 && hasRun ? counted.failed : Math.max(1, counted.failed) };
}

async function runTimed(step) {
  console.log(`\n=== ${step.name}`);
  const started = performance.now();
  const result = await runStep(step);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`=== ${step.name}: ${result.failed === 0 ? 'ok' : 'FAILED'} in ${seconds} s${step.counts ? `, ${result.passed} passed, ${result.failed} failed` : ''}`);
  return result;
}

function chooseSteps(names) {
  const unknown = names.filter((name) => !STEPS.some((step) => step.name === name));
  if (unknown.length === 0) return names.length === 0 ? STEPS : STEPS.filter((step) => names.includes(step.name));
  console.error(`check: no step is called ${unknown.join(', ')}. The steps are ${STEPS.map(({ name }) => name).join(', ')}.`);
  return process.exit(2);
}

async function main(names) {
  const total = { passed: 0, failed: 0 };
  for (const step of chooseSteps(names)) {
    const { passed, failed } = await runTimed(step);
    total.passed += passed;
    total.failed += failed;
    if (failed === 0) continue;
    console.log(`\ncheck: stopped at ${step.name}. Run it alone with \`npm run check -- ${step.name}\`.`);
    break;
  }
  console.log(`pagewalk: ${total.passed} passed, ${total.failed} failed`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

await main(process.argv.slice(2));
