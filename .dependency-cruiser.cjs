// Which room may import which (DESIGN.md "The house"; ARCHITECTURE.md draws the result). Each rule's comment says how to mend a breach.
// Type-only imports count too (tsPreCompilationDeps). test/rooms/ plants a breach of every rule and sees it caught.
'use strict';

const ROOMS = 'engine|language|debug-adapter|cli|extension|build|test';
const TYPES_ONLY = ['type-only'];
const PACKAGES = ['npm', 'npm-dev', 'npm-optional', 'npm-peer', 'npm-bundled', 'npm-no-pkg', 'npm-unknown'];

/** A rule against imports from `from` to `to`, with the way to mend a breach. */
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

const directions = [
  forbid('engine-knows-nobody',
    'The engine is the lowest room. Give what it needs as a parameter or as a field of Kernel, or declare an interface in engine/ that the other room implements (as Program and MachineHooks are).',
    { path: '^engine/' }, { path: `^(${ROOMS})/`, pathNot: '^engine/' }),
  forbid('language-knows-the-engine-only',
    'Of the other rooms language/ may import engine/index.ts only. Let the caller pass in what you need, or move the code to the room that owns it.',
    { path: '^language/' }, { path: `^(${ROOMS})/`, pathNot: '^(language|engine)/' }),
  forbid('debug-adapter-knows-engine-and-language',
    'debug-adapter/ may import engine/index.ts, language/index.ts, language/runtime/index.ts and the types of build/instrument/tables.ts. Move the code to the room that owns it.',
    { path: '^debug-adapter/' }, { path: `^(${ROOMS})/`, pathNot: '^(debug-adapter|language|engine)/|^build/instrument/tables[.]ts$' }),
  forbid('cli-knows-the-three-rooms',
    'cli/ may import the doors of engine, language and debug-adapter. What it shares with the extension belongs behind one of those doors.',
    { path: '^cli/' }, { path: `^(${ROOMS})/`, pathNot: '^(cli|debug-adapter|language|engine)/' }),
  forbid('extension-talks-dap',
    'extension/ may import nothing but the types of debug-adapter/protocol.ts: ask the adapter by DAP or a custom request and add its types there.',
    { path: '^extension/' }, { path: `^(${ROOMS})/`, pathNot: '^extension/|^debug-adapter/protocol[.]ts$' }),
  forbid('extension-takes-types-only',
    'extension/ takes only types from debug-adapter/protocol.ts: write `import type`, and keep values (names of requests) in extension/ or send them by DAP.',
    { path: '^extension/' }, { path: '^debug-adapter/', dependencyTypesNot: TYPES_ONLY }),
  forbid('build-stays-out-of-the-rooms',
    'build/ reads the rooms as text and imports none of them. Take a path or a text as a parameter.',
    { path: '^build/' }, { path: `^(${ROOMS})/`, pathNot: '^build/' }),
  forbid('no-room-needs-the-build',
    'Nothing that runs imports build/. Write `import type` for the tables of the instrumented engine, and read the tables as JSON from dist/.',
    { path: `^(${ROOMS})/`, pathNot: '^(build|test)/' }, { path: '^build/', dependencyTypesNot: TYPES_ONLY }),
  forbid('nobody-imports-tests',
    'Test code is imported by tests alone. Move what both need into the room, or write it again, smaller, for the test.',
    { pathNot: '^test/' }, { path: '^test/' }),
];

const doors = [
  forbid('engine-by-its-door',
    'Import engine/index.ts. If it does not export what you need, export it there (a name, not `*`).',
    { pathNot: '^(engine|test)/' }, { path: '^engine/', pathNot: '^engine/index[.]ts$' }),
  forbid('language-by-its-doors',
    'Import language/index.ts (parsing, compiling, needs Langium) or language/runtime/index.ts (running, needs nothing); export there what you need.',
    { pathNot: '^(language|test)/' }, { path: '^language/', pathNot: '^language/(runtime/)?index[.]ts$' }),
  forbid('debug-adapter-by-its-door',
    'Import debug-adapter/index.ts, or the types of debug-adapter/protocol.ts; export there what you need.',
    { pathNot: '^(debug-adapter|test)/' }, { path: '^debug-adapter/', pathNot: '^debug-adapter/(index|protocol)[.]ts$' }),
  forbid('programs-are-nobodys-library',
    'cli/ and extension/ are programs: no other room imports them. Move what is shared behind the door of debug-adapter or language.',
    { path: `^(${ROOMS})/`, pathNot: '^(cli|extension|test)/' }, { path: '^(cli|extension)/' }),
];

const inside = [
  forbid('runtime-runs-without-the-compiler',
    'language/runtime/ runs inside the engine worker: it imports engine/index.ts, language/vocabulary/ and itself. Move what it shares with the compiler into runtime/ (data about programs) or vocabulary/ (tables), or let the compiler compute it into ProgramData.',
    { path: '^language/runtime/' }, { path: '^language/', pathNot: '^language/(runtime|vocabulary)/' }),
  forbid('runtime-reaches-no-langium',
    'Something that language/runtime/ imports leads to Langium or the compiler. Cut the import nearest to Langium: move its data into language/vocabulary/ or ProgramData.',
    { path: '^language/runtime/' }, { path: 'node_modules/(langium|chevrotain|vscode-)|^language/(compiler|generated)/', reachable: true }),
  forbid('worker-reaches-no-langium',
    'debug-adapter/worker/ runs compiled programs. Compile on the protocol thread (language/index.ts), send the data to the worker, and import language/runtime/index.ts there.',
    { path: '^debug-adapter/worker/' }, { path: 'node_modules/(langium|chevrotain)|^language/(index[.]ts$|compiler/|generated/)', reachable: true }),
  forbid('vocabulary-is-data',
    'language/vocabulary/ holds tables and imports nothing but itself. Move code that needs more to the part of language/ that uses the table.',
    { path: '^language/vocabulary/' }, { pathNot: '^language/vocabulary/' }),
  forbid('server-is-a-program',
    'language/server/ is the language server as a program; the rest of the house imports language/index.ts. Move what is shared out of server/.',
    { pathNot: '^(language/server|test)/' }, { path: '^language/server/' }),
  forbid('no-cycles-outside-mm',
    'A cycle of imports. Move what both files need into a third one, or pass it as a parameter. (Only cycles within engine/mm, engine/fs, engine/block and engine/lib are allowed: where the kernel has pointers - a_ops, bi_end_io - allocation, reclaim, write-back and the disk are one.)',
    { path: `^(${ROOMS})/`, pathNot: '^language/generated/' }, { circular: true, via: { pathNot: '^engine/(mm|fs|block|lib)/' } }),
];

const packages = [
  forbid('engine-needs-no-package',
    'engine/ is pure TypeScript: no package, no Node module. Pass in what the host knows, or write the few lines.',
    { path: '^engine/' }, { dependencyTypes: ['core', ...PACKAGES] }),
  forbid('runtime-needs-no-package',
    'language/runtime/ and language/vocabulary/ use no package and no Node module: they run in a worker, a test or a browser. Take a host function as a parameter.',
    { path: '^language/(runtime|vocabulary)/' }, { dependencyTypes: ['core', ...PACKAGES] }),
  forbid('language-needs-no-node',
    'language/ reads no file itself: take a `read` function as a parameter. Only language/server/ may use Node.',
    { path: '^language/', pathNot: '^language/server/' }, { dependencyTypes: ['core'] }),
  forbid('langium-stays-in-language',
    'Only language/ knows Langium and the language server. Ask language/index.ts for plain data.',
    { path: `^(${ROOMS})/`, pathNot: '^(language|test)/' }, { path: 'node_modules/(langium|vscode-languageserver)(/|$)' }),
  forbid('vscode-stays-in-extension',
    'Only extension/ runs inside VS Code: the adapter, the language server and the command line must run without it.',
    { pathNot: '^(extension|test)/' }, { path: '^(vscode|vscode-languageclient)(/|$)|node_modules/(@types/vscode|vscode-languageclient)/' }),
  forbid('dap-stays-in-debug-adapter',
    'Only debug-adapter/ speaks DAP through its library; extension/ and cli/ use its door.',
    { path: `^(${ROOMS})/`, pathNot: '^(debug-adapter|test)/' }, { path: 'node_modules/@vscode/debugadapter/' }),
  forbid('everything-resolves',
    'The imported file or package does not exist. Mind the `.ts` ending of a relative import; a package must stand in package.json.',
    { path: `^(${ROOMS})/` }, { couldNotResolve: true, pathNot: '^vscode$' }),
];

module.exports = {
  forbidden: [...directions, ...doors, ...inside, ...packages],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/|^test/vscode-host/|^test/.*/node_modules/' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
};
