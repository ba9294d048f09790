// The parser library lets a message provider return a string and nothing else. What else is known about a mistake travels in
// front of the text, as a mark that `problems.ts` takes off again.

/**
 * - `at`: the mistake is the token that was found.
 * - `after`: something is missing after the token before; only told apart from `at` when that one ends an earlier line.
 * - `before`: the mistake is the token before the one that was found.
 */
export type Place = 'at' | 'after' | 'before';

/**
 * What the message has to do with braces. After a mistake that leaves them out of step (`opens`), those that come of it (`follows`)
 * are echoes. A missing brace at the start of a block (`option`) may be a misspelt option instead.
 */
export type Braces = 'none' | 'opens' | 'follows' | 'option';

export interface MarkedMessage {
  place: Place;
  braces: Braces;
  text: string;
}

const END_OF_MARK = '\u0000';

export function mark(text: string, place: Place, braces: Braces = 'none'): string {
  return `${place} ${braces}${END_OF_MARK}${text}`;
}

/** The parts of a marked message; a text without a mark is `at`. */
export function unmark(message: string): MarkedMessage {
  const end = message.indexOf(END_OF_MARK);
  if (end < 0) return { place: 'at', braces: 'none', text: message };
  const [place, braces] = message.slice(0, end).split(' ') as [Place, Braces];
  return { place, braces, text: message.slice(end + 1) };
}
