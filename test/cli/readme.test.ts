// README.md shows what is true: its scenario runs, and its excerpts are what the commands print, numbers apart.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ROOT, pagewalk, workplace } from './pagewalk.ts';

const README = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const BLOCKS = [...README.matchAll(/^```\w*\n([^]*?)^```$/gm)].map((match) => match[1]!);

function block(start: string): string {
  return BLOCKS.find((text) => text.startsWith(start)) ?? assert.fail(`README.md has no block that begins with ${start}`);
}

/** Lines without their numbers and their alignment: those may change with the engine. */
function shape(text: string): string[] {
  return text.split('\n').map((line) => line.replace(/\d[\d,.]*/g, 'N').replace(/[ .…]+/g, ' ').trim()).filter((line) => line !== '');
}

describe('README.md', () => {
  it('has a scenario that runs', () => {
    const place = workplace();
    place.write('readme.pagewalk', block('machine {'));
    const { status, err } = place.pagewalk('run', 'readme.pagewalk');
    place.remove();
    assert.deepEqual({ status, err }, { status: 0, err: '' });
  });

  it('shows the first minute as it is', () => {
    const shown = shape(pagewalk(['tour']).out);
    assert.deepEqual(shape(block('Stopped:')).filter((line) => !shown.includes(line)), []);
  });

  it('shows a run as it is', () => {
    const [command, ...lines] = block('$ pagewalk run').split('\n');
    assert.deepEqual(shape(pagewalk(command!.split(' ').slice(2)).out), shape(lines.join('\n')));
  });

  it('links to files that are there, and lists every scenario', () => {
    const links = [...README.matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1]!);
    assert.deepEqual(links.filter((link) => !fs.existsSync(path.join(ROOT, link))), []);
    const scenarios = fs.readdirSync(path.join(ROOT, 'scenarios')).map((file) => `scenarios/${file}`);
    assert.deepEqual(scenarios.filter((file) => !links.includes(file)), []);
  });
});
