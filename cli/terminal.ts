// Where text goes: standard output and error, with colours only where a person reads them.

/** One of the two streams. `paint` gives the text as it is where colours are not wanted. */
export interface Channel {
  write(text: string): void;
  paint(colour: Colour, text: string): string;
}

export interface Terminal {
  out: Channel;
  err: Channel;
}

export type Colour = keyof typeof CODES;

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** The process's own streams. A reader that goes away (`pagewalk run … | head`) ends the process quietly. */
export function processTerminal(): Terminal {
  process.stdout.on('error', leaveQuietly);
  return { out: channel(process.stdout), err: channel(process.stderr) };
}

function channel(stream: NodeJS.WriteStream): Channel {
  const isColoured = wantsColours(stream, process.env);
  return {
    write: (text) => void stream.write(text),
    paint: (colour, text) => (isColoured ? `\x1b[${CODES[colour]}m${text}\x1b[0m` : text),
  };
}

/** Colours need a terminal that knows them and a user who has not said NO_COLOR. */
export function wantsColours(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

function leaveQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}
