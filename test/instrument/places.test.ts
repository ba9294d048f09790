// The tables: where places stand in the text, what they and the functions are called, how they are numbered.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { emptyTables, instrument, type Place, type Tables } from '../../build/instrument/index.ts';
import { load } from './harness.ts';

/** The text a place covers, cut out by its lines and columns. */
function textOf(source: string, { line, column, endLine, endColumn }: Place): string {
  const lines = source.split('\n').slice(line - 1, endLine);
  lines[lines.length - 1] = lines.at(-1)!.slice(0, endColumn - 1);
  lines[0] = lines[0]!.slice(column - 1);
  return lines.join('⏎');
}

const describePlaces = (source: string, { places }: Tables): string[] => places.map((place) => `${place.kind} ${textOf(source, place)}`);

describe('places', () => {
  it('cover a simple statement, or the head of a compound one', () => {
    const source = `export function f(k: K, a: number): number {
  if ((a > 1) /* (a */ && g(a)) /* ) */ return 1;
  else if (a) // (
    a = {
      b: 1 };
  label: for (const x of [ (1) ]) { break label; }
  for (let i = 0; (i) < 1; i++) continue;
  for (;;) break;
  for (const p in { p: 1 }) ; do { a++; } while ((a) < 3);
  while (a) a--;
  switch ((a)) { case 1: throw a; default: }
  try { a = 2; } catch (e) { g(e); } finally { let z; }
  const h = (q) => q + 1, m = function () { return; };
  return h(
    a);
}`;
    assert.deepEqual(describePlaces(source, load(source).tables), [
      'entry if ((a > 1) /* (a */ && g(a))',
      'statement return 1;',
      'statement if (a)',
      'statement a = {⏎      b: 1 };',
      'statement for (const x of [ (1) ])',
      'loop for (const x of [ (1) ])',
      'statement break label;',
      'statement for (let i = 0; (i) < 1; i++)',
      'loop for (let i = 0; (i) < 1; i++)',
      'statement continue;',
      'statement for (;;)',
      'loop for (;;)',
      'statement break;',
      'statement for (const p in { p: 1 })',
      'loop for (const p in { p: 1 })',
      'statement do',
      'loop while ((a) < 3)',
      'statement a++;',
      'statement while (a)',
      'loop while (a)',
      'statement a--;',
      'statement switch ((a))',
      'statement throw a;',
      'statement try',
      'statement a = 2;',
      'statement g(e);',
      'statement let z;',
      'statement const h = (q) => q + 1, m = function () { return; };',
      'statement return h(⏎    a);',
      'entry q + 1',
      'entry return;',
    ]);
  });

  it('are numbered from first to last of each function, in order of the source', () => {
    const { tables } = load(`function a(k: K) { const inner = () => { b(k); }; inner(); }
const b = (k: K) => 1;
export { b };
export default function* (k: K) { yield 1; }`);
    const rows = tables.functions.map((f) => `${f.id} ${f.name} ${f.frame} ${f.entry} ${f.first}…${f.last} ${f.exported}`);
    assert.deepEqual(rows, ['0 a mirror 0 0…1 false', '1 inner mirror 2 2…2 false', '2 b none 3 3…3 true', '3 (anonymous) thunk 4 4…4 true']);
    assert.deepEqual(tables.places.map((place) => [place.id, place.fn]), [[0, 0], [1, 0], [2, 1], [3, 2], [4, 3]]);
  });
});

describe('functions', () => {
  it('are told with parameters by position, slots, and lines', () => {
    const { tables } = load(`
export function* f(k: K, { a }: A, [b]: B, c = 1, ...d: D) {
  { const e = yield 1; }
  { const e = 2; }
}
const o = { m(k: K) { g(); let x; { let x; } }, 'p q': () => 1 };`);
    const [f, m, p] = tables.functions;
    assert.deepEqual(f, {
      id: 0, name: 'f', file: 0, line: 2, endLine: 5, params: ['{…}', '[…]', 'c', 'd'], frame: 'thunk', size: 1,
      names: ['a', 'b', 'c', 'd', 'e', 'e'],
      generator: true, tracepoint: false, exported: true, entry: 0, first: 0, last: 1,
    });
    assert.deepEqual([m!.name, m!.frame, m!.size, m!.names, m!.params], ['m', 'mirror', 2, ['x', 'x'], []]);
    assert.deepEqual([p!.name, p!.frame, p!.size, p!.names], ['p q', 'none', 0, []]);
  });

  it('are leaves if all they call is known to come back without a hook', () => {
    const isExempt = (file: string, name: string): boolean => file === 'engine/mm/known.ts' && name !== 'door';
    const leaf = (body: string, head = ''): boolean => {
      const { functions } = load(`${head}\nexport function f(k: K, xs: any, g: any) { ${body} }`, { isExempt }).tables;
      return functions.find((fn) => fn.name === 'f')!.frame === 'none';
    };
    const known = `import { known, door } from './mm/known.ts'; import { other } from './other.ts';`;
    assert.equal(leaf('xs.push(Math.max(1, Number("2"))); return known(k) + xs.includes(1) + new Map().size + BigInt(1)!;', known), true);
    assert.equal(leaf('return local(k);', 'const z = 1;\n// @nohooks\nfunction local(k) { return 1; }'), true);
    const counted = ['g(1);', 'other(k);', 'door(k);', 'known(() => 1);', 'xs.map(g);', 'xs.forEach((x) => 1);', 'k.ops.get(k, 1);', 'xs?.run?.();'];
    for (const body of [...counted, '(g as any)();', 'new g();', 'g`x`;']) {
      assert.equal(leaf(body, known), false, body);
    }
  });
});

describe('files', () => {
  it('are told with the hash of their text, whatever its line ends', () => {
    const tables = emptyTables();
    instrument('// @nohooks\nexport const a = 1;\n', 'engine/a.ts', tables);
    instrument('// @nohooks\r\nexport const a = 1;\r\n', 'engine/b.ts', tables);
    const sha256 = createHash('sha256').update('// @nohooks\nexport const a = 1;\n').digest('hex');
    assert.deepEqual(tables.files, [{ path: 'engine/a.ts', sha256 }, { path: 'engine/b.ts', sha256 }]);
  });
});
