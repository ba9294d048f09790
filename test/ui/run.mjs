// Drives a real VS Code in a real browser as a person would, on the packed extension: `node test/ui/run.mjs`. Each step that a person would
// remember is a test and leaves a screenshot in test/shots/ (git-ignored) to be looked at. `--dev` runs the checkout's extension instead of a .vsix;
// words after it choose the stories whose titles have one of them; what a story before them has opened is then not there.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { unsupported } from '../vscode-host/ensure.mjs';
import { CHECKOUT, copyScenarios, withWorkbench } from '../vscode-host/workbench.mjs';
import { brokenScenario } from './broken-scenario.mjs';
import { cacheSession } from './cache-session.mjs';
import { firstSession } from './first-session.mjs';
import { processSession } from './process-session.mjs';

const SHOTS = path.join(CHECKOUT, 'test', 'shots');

/** Screenshots should show text, not its miniature. */
const SETTINGS = { 'editor.minimap.enabled': false, 'window.commandCenter': false };

async function main() {
  const reason = unsupported();
  if (reason) return console.log(`ui: not run: ${reason}`);
  fs.rmSync(SHOTS, { recursive: true, force: true });
  fs.mkdirSync(SHOTS, { recursive: true });
  const count = { passed: 0, failed: 0 };
  const options = { vsix: process.argv.includes('--dev') ? undefined : packed(), files: fillWorkspace, settings: SETTINGS };
  await withWorkbench(options, async (page, place) => {
    for (const story of chosen([brokenScenario, firstSession, processSession, cacheSession])) await tell(story, page, place, count);
  });
  console.log(`ui: ${count.passed} passed, ${count.failed} failed`);
  process.exitCode = count.failed === 0 ? 0 : 1;
}

function chosen(stories) {
  const words = process.argv.slice(2).filter((word) => !word.startsWith('-'));
  return words.length === 0 ? stories : stories.filter(({ title }) => words.some((word) => title.includes(word)));
}

function fillWorkspace(workspace) {
  copyScenarios(workspace, path.join(CHECKOUT, 'test', 'extension', 'scenarios'));
  fs.copyFileSync(path.join(CHECKOUT, 'test', 'dap', 'scenarios', 'page-cache.pagewalk'), path.join(workspace, 'page-cache.pagewalk'));
}

/** What users install: the engine's sources must open from there, not from a checkout. */
function packed() {
  const vsix = path.join(CHECKOUT, 'dist', 'test', 'pagewalk.vsix');
  fs.mkdirSync(path.dirname(vsix), { recursive: true });
  execFileSync(process.execPath, [path.join(CHECKOUT, 'build', 'vsix.mjs'), vsix], { stdio: ['ignore', 'ignore', 'inherit'] });
  return vsix;
}

/** A story's steps build on each other: after one has failed the rest of that story is not told. */
async function tell(story, page, place, count) {
  console.log(`\n  ${story.title}`);
  for (const [name, shot, act] of story.steps) {
    const started = performance.now();
    const error = await act(page, place).then(() => null, (reason) => reason);
    await page.screenshot({ path: path.join(SHOTS, `${shot}${error ? '-failed' : ''}.png`) });
    console.log(`    ${error ? '✘' : '✔'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
    if (error) {
      console.log(`${error.stack}\n      see test/shots/${shot}-failed.png`.replace(/^/gm, '      '));
      count.failed++;
      return;
    }
    count.passed++;
  }
}

main().catch((error) => {
  console.error(`ui: failed: ${error.message}`);
  process.exitCode = 1;
});
