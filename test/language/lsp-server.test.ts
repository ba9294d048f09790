// The language server, spoken to as an editor does.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CodeAction, CompletionItem, DocumentSymbol, FoldingRange, Hover, Location, MarkupContent, Range, SemanticTokens, WorkspaceEdit } from 'vscode-languageserver/node';
import { Client, textAt, unmark } from './lsp-client.ts';

const SCENARIO = unmark(`// The machine.
machine {
  memory 64MiB
  disk sda { ‹disk›}
  sysctl vm.‹sysctl›swappiness = 60
  ‹setting›
}

// How much is
// filled at once.
const ‹const›CHUNK = 256KiB

def fill(addr, ‹param›len) {
  for p in addr .. addr + ‹paramUse›len step 4KiB { store(‹loopUse›p, 0xAB) }
}

process hog nice ‹option›5 {
  let heap = ‹mmap›mmap(80MiB, PROT_READ | ‹constant›PROT_WRITE)
  ‹def›fill(heap, ‹constUse›CHUNK)
  if heap > 0 {
    let inner = current.‹member›rss + zones.NORMAL.‹zoneMember›free_pages
    print(inner)
  }
  fork child { exit }
  wait ‹task›child
  ‹body›
}

stop on ‹event›oom log "{nodes[0].zones} {‹logUse›CHUNK}"
`);

describe('language server', () => {
  const uri = 'file:///scenarios/main.pagewalk';
  let client: Client;

  before(async () => {
    client = await Client.start();
    assert.deepEqual(await client.open(uri, SCENARIO.text), []);
  });

  after(async () => assert.equal(await client.stop(), 0));

  const at = (place: string) => SCENARIO.places[place]!;
  const labels = async (place: string): Promise<string[]> => (await client.ask<CompletionItem[]>('completion', uri, at(place))).map((item) => item.label);
  const hover = async (place: string): Promise<string> => ((await client.ask<Hover | null>('hover', uri, at(place)))?.contents as MarkupContent | undefined)?.value ?? '';
  const texts = (locations: readonly Location[]): string[] => locations.map(({ range }) => `${range.start.line}:${textAt(SCENARIO.text, range)}`);

  it('reports problems as they come and go, with a fix for a misspelt word', async () => {
    const other = 'file:///scenarios/other.pagewalk';
    const [diagnostic, ...none] = await client.open(other, 'machine { memroy 64MiB }');
    assert.deepEqual(none, []);
    assert.deepEqual(diagnostic, {
      range: { start: { line: 0, character: 10 }, end: { line: 0, character: 16 } }, severity: 1, source: 'pagewalk', message: '`memroy` is no machine setting. Did you mean `memory`?',
    });
    const actions = await client.ask<CodeAction[]>('codeAction', other, undefined, { range: diagnostic.range, context: { diagnostics: [diagnostic] } });
    assert.deepEqual(actions.map(({ title, edit }) => ({ title, edit })), [{ title: "Change to 'memory'", edit: { changes: { [other]: [{ range: diagnostic.range, newText: 'memory' }] } } }]);
    assert.deepEqual(await client.change(other, 2, 'machine { memory 64MiB }'), []);
  });

  it('completes settings, options, calls, names and members where they belong', async () => {
    assert.deepEqual(await labels('disk'), ['size', 'seek', 'bandwidth', 'fail']);
    assert.ok((await labels('sysctl')).includes('swappiness') && !(await labels('sysctl')).includes('randomize_va_space'));
    assert.deepEqual((await labels('setting')).slice(0, 3), ['arch', 'cpus', 'memory']);
    assert.deepEqual((await labels('member')).slice(0, 3), ['pid', 'comm', 'rss']);
    assert.ok((await labels('zoneMember')).includes('pages_low'));
    assert.deepEqual(await labels('task'), ['hog', 'child', 'all']);
    assert.deepEqual((await labels('event')).slice(0, 2), ['oom', 'allocation_failure']);
    const body = await labels('body');
    for (const word of ['heap', 'touch', 'mmap', 'fill', 'CHUNK', 'PROT_READ', 'current', 'len']) assert.ok(body.includes(word), word);
    for (const word of ['inner', 'addr', 'p', 'alloc_pages', 'alloc_bootmem', 'memory', 'nice']) assert.ok(!body.includes(word), word);
    assert.ok((await labels('constant')).includes('flags:'));
  });

  it('explains calls, constants, sizes, members and words', async () => {
    assert.equal(await hover('mmap'), '```pagewalk\nmmap(length, prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS, fd = -1, offset = 0, addr = 0)\n```\nMaps memory or a file; its address, or a negative errno.');
    assert.equal(await hover('constUse'), '```pagewalk\nconst CHUNK\n```\n```pagewalk\n262144 (0x40000, 256KiB)\n```\nHow much is\nfilled at once.');
    assert.equal(await hover('constant'), '```pagewalk\nPROT_WRITE = 2\n```\n');
    assert.equal(await hover('def'), '```pagewalk\ndef fill(addr, len)\n```\n');
    assert.equal(await hover('zoneMember'), '```pagewalk\nfree_pages: number\n```\nFree pages, those on per-CPU lists not counted.');
    assert.equal(await hover('option'), '5');
    assert.match(await hover('sysctl'), /Default: 60\./);
    assert.match(await hover('event'), /Memory has run out/);
    assert.equal(await hover('task'), '```pagewalk\nfork child\n```\n');
  });

  it('knows disks and files: their settings, their calls, what there is to read of them', async () => {
    const files = 'file:///scenarios/files.pagewalk';
    const { text, places } = unmark(`machine { memory 64MiB disk sda { ‹size›size 1MiB } disk sdb { ‹fail›fail read 8 .. 16 } file "/data" 1MiB on ‹on›sda }
      process p { let fd = ‹open›open("/data", O_RDWR) print(files["/data"].‹file›dirty_pages, disks.‹disk›sdb.‹queue›queue_length, current.files[fd].‹ra›ra, writeback.‹limit›dirty_thresh) }`);
    assert.deepEqual(await client.open(files, text), []);
    const complete = async (place: string): Promise<string[]> => (await client.ask<CompletionItem[]>('completion', files, places[place]!)).map((item) => item.label);
    const explain = async (place: string): Promise<string> => ((await client.ask<Hover | null>('hover', files, places[place]!))?.contents as MarkupContent | undefined)?.value ?? '';
    assert.deepEqual([await complete('on'), await complete('disk')], [['sda', 'sdb'], ['sda', 'sdb']]);
    assert.deepEqual((await complete('file')).slice(0, 4), ['size', 'cached_pages', 'dirty_pages', 'writeback_pages']);
    assert.ok((await complete('queue')).includes('write_congested') && (await complete('ra')).includes('f_pos') && (await complete('limit')).includes('pdflush'));
    assert.match(await explain('size'), /^```pagewalk\nsize SIZE\n```\nHow much the disk holds/);
    assert.match(await explain('fail'), /of 4 KiB/);
    assert.match(await explain('open'), /^```pagewalk\nopen\(path, flags = O_RDONLY\)\n```\n/);
    assert.equal(await explain('file'), '```pagewalk\ndirty_pages: number\n```\nPages of it that wait to be written.');
    assert.equal(await explain('ra'), '```pagewalk\nra: ra_state\n```\nWhat is read ahead of it.');
  });

  it('finds declarations and uses in the right scope, in log texts too', async () => {
    assert.deepEqual(texts(await client.ask<Location[]>('definition', uri, at('def'))), ['12:fill']);
    assert.deepEqual(texts(await client.ask<Location[]>('definition', uri, at('paramUse'))), ['12:len']);
    assert.deepEqual(texts(await client.ask<Location[]>('definition', uri, at('loopUse'))), ['13:p']);
    assert.deepEqual(texts(await client.ask<Location[]>('definition', uri, at('task'))), ['23:child']);
    assert.deepEqual(texts(await client.ask<Location[]>('references', uri, at('const'), { context: { includeDeclaration: true } })), ['10:CHUNK', '18:CHUNK', '28:CHUNK']);
    assert.deepEqual(texts(await client.ask<Location[]>('references', uri, at('logUse'), { context: { includeDeclaration: true } })), ['10:CHUNK', '18:CHUNK', '28:CHUNK']);
  });

  it('renames what a scenario declares, and nothing else', async () => {
    assert.equal(textAt(SCENARIO.text, await client.ask<Range>('prepareRename', uri, at('param'))), 'len');
    const edit = await client.ask<WorkspaceEdit>('rename', uri, at('param'), { newName: 'bytes' });
    assert.deepEqual(edit.changes?.[uri]?.map(({ range, newText }) => `${range.start.line}:${textAt(SCENARIO.text, range)} → ${newText}`), ['12:len → bytes', '13:len → bytes']);
    await assert.rejects(client.ask('prepareRename', uri, at('mmap')), /`mmap` belongs to the language and keeps its name\./);
    await assert.rejects(client.ask('rename', uri, at('param'), { newName: 'while' }), /`while` is a reserved word\./);
    await assert.rejects(client.ask('rename', uri, at('param'), { newName: '2x' }), /is no name/);
  });

  it('shows the outline, what folds, and what each name is', async () => {
    const symbols = await client.ask<DocumentSymbol[]>('documentSymbol', uri);
    assert.deepEqual(symbols.map(({ name, detail, children }) => [name, detail, ...(children ?? []).map((child) => child.name)]), [
      ['machine', ''], ['CHUNK', 'const'], ['fill', '(addr, len)'], ['hog', 'process', 'child'], ['stop on oom', ''],
    ]);
    const folds = await client.ask<FoldingRange[]>('foldingRange', uri);
    assert.deepEqual(folds.map(({ startLine, endLine }) => [startLine, endLine]), [[1, 5], [12, 13], [16, 25], [19, 21]]);
    const tokens = await client.ask<SemanticTokens>('semanticTokens/full', uri);
    assert.deepEqual(tokens.data.slice(0, 10), [10, 6, 5, 0, 1, 2, 4, 4, 2, 0]);
  });

  it('checks a file that others import by itself, and what a `stop on` names', async () => {
    const said = async (name: string, text: string): Promise<string[]> => {
      const problems = await client.open(`file:///${name}.pagewalk`, text);
      return problems.map(({ range, message }) => `${range.start.line}:${range.start.character} ${typeof message === 'string' ? message : message.value}`);
    };
    assert.deepEqual(await said('lonely', 'def twice(n) {\n len([n]) }'), ['1:1 This call only looks: alone it does nothing. Use its value, or `print` it.']);
    assert.deepEqual(await said('stopping', 'machine { memory 64MiB }\nstop on alloc_page when gfp_mask == 1 && ordr\nstop on nosuch'), [
      '1:41 `alloc_page` has no parameter `ordr`: it has `gfp_mask`.', '2:8 There is no kernel function and no tracepoint `nosuch`.',
    ]);
  });

  it('checks importers again when an open import changes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pagewalk-lsp-'));
    const [main, library] = ['main', 'library'].map((name) => pathToFileURL(join(folder, `${name}.pagewalk`)).href) as [string, string];
    try {
      writeFileSync(join(folder, 'library.pagewalk'), 'def twice(n) { return n * 2 }');
      const text = 'import "library.pagewalk"\nmachine { memory 64MiB }\nprocess p { print(twice(2)) }';
      assert.deepEqual(await client.open(main, text), []);
      const [definition] = await client.ask<Location[]>('definition', main, { line: 2, character: 20 });
      assert.equal(definition?.uri, library);
      assert.deepEqual(await client.open(library, 'def twice(n) { return n * 2 }'), []);
      const problems = await client.change(library, 2, 'def twise(n) { return n * 2 }', { uri: main, accept: (found) => found.length > 0 });
      assert.deepEqual(problems.map(({ message }) => message), ['There is no function `twice`. Did you mean `twise`?']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('answers while a text is broken', async () => {
    const broken = unmark('machine { memory 64MiB }\nprocess p {\n  let heap = mmap(4KiB\n  touch he‹here›\n');
    const other = 'file:///scenarios/broken.pagewalk';
    assert.notEqual((await client.open(other, broken.text)).length, 0);
    const items = await client.ask<CompletionItem[]>('completion', other, broken.places['here']);
    assert.ok(items.some(({ label }) => label === 'mmap'));
    assert.equal(await client.ask('hover', other, { line: 90, character: 0 }), null);
    assert.equal(await client.ask('hover', 'file:///never/opened.pagewalk', { line: 0, character: 0 }), null);
  });
});
