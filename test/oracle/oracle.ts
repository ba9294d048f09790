// `npm run oracle -- FOLDER… [--verbose]`: replays recordings of a real 2.6.18 against the engine's own functions. A line per check; exit status 1
// when anything differs, 2 when a folder cannot be read. A folder of recordings stands for all of them.

import { judge } from './judge.ts';
import { readRecording, recordingsIn } from './recording.ts';
import { agrees, printVerdict } from './report.ts';

const USAGE = 'usage: npm run oracle -- FOLDER… [--verbose]';

function main(args: readonly string[]): number {
  const folders = args.filter((arg) => !arg.startsWith('--'));
  const unknown = args.filter((arg) => arg.startsWith('--') && arg !== '--verbose');
  if (folders.length === 0 || unknown.length > 0) {
    console.error(unknown.length > 0 ? `oracle: unknown option ${unknown.join(', ')}\n${USAGE}` : USAGE);
    return 2;
  }
  return Math.max(...folders.flatMap(recordingsIn).map((folder) => judgeFolder(folder, { verbose: args.includes('--verbose') })));
}

function judgeFolder(folder: string, options: { verbose: boolean }): number {
  try {
    const verdict = judge(readRecording(folder));
    for (const line of printVerdict(verdict, options)) console.log(line);
    return agrees(verdict) ? 0 : 1;
  } catch (error) {
    console.error(`oracle: ${folder}: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
}

process.exitCode = main(process.argv.slice(2));
