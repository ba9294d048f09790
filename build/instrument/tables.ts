// What the instrumented build knows about the engine's source: every place a hook stands at, every function, every file.
// The tables are written beside the bundle as JSON; the debugger reads nothing else about the source.
//
// Numbers: a file, a function and a place is its index in its array. Places of one function are contiguous, and files are
// numbered in sorted order, so the numbers depend on the source alone. Lines and columns are 1-based, of the original text;
// an end is exclusive, as in DAP.

/** One hook: the head of a statement, a loop's head, or the entry of a function. */
export interface Place {
  id: number;
  /** Index into `Tables.files`. */
  file: number;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  /** Index into `Tables.functions`. */
  fn: number;
  kind: 'entry' | 'statement' | 'loop';
  /** The names in scope at this place as the source writes them; an inner one hides an outer one of the same name. */
  vars: string[];
  /** For each of `vars` its index in the frame's values, or in the literal array a function without frame gives `__stop`. */
  slots: number[];
}

/**
 * How a function keeps its values:
 * `none`: not at all, each hook passes them to `__stop`; `mirror`: in `Shadow.v[b … b+size)`; `thunk`: `Shadow.th[b]()` gives them.
 */
export type FrameKind = 'none' | 'mirror' | 'thunk';

export interface FunctionInfo {
  id: number;
  name: string;
  file: number;
  line: number;
  endLine: number;
  /** The parameters' names by position, without a leading `k`; a destructured one is shown as `{…}` or `[…]`. */
  params: string[];
  frame: FrameKind;
  /** How far the frame moves `Shadow.sp`: its slots for `mirror`, 1 for `thunk`, 0 for `none`. */
  size: number;
  /** The names by slot; two slots may have one name, when one declaration hides another. */
  names: string[];
  generator: boolean;
  /** Entry hook only, by the file's `@tracepoints`. */
  tracepoint: boolean;
  exported: boolean;
  /** The place whose hook is passed first. */
  entry: number;
  /** The function's places are `first … last`. */
  first: number;
  last: number;
}

export interface SourceFile {
  /** Below the checkout, with forward slashes: `engine/mm/page_alloc.ts`. */
  path: string;
  /** Of the text with LF line ends, in hexadecimal. */
  sha256: string;
}

export interface Tables {
  files: SourceFile[];
  functions: FunctionInfo[];
  places: Place[];
  /** What could not be made resumable or seen, as `path:line:column: why`. */
  problems: string[];
}

export function emptyTables(): Tables {
  return { files: [], functions: [], places: [], problems: [] };
}
