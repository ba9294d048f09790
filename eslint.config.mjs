// Names, sizes, determinism and resumability (STYLE.md, DESIGN.md decisions 1, 2 and 5). test/rooms/ plants a breach of every rule.
// Comments cannot switch rules off: where a rule is wrong, it is changed here, for everybody.
import tseslint from 'typescript-eslint';
import pagewalk from './build/eslint/index.mjs';

const ENGINE = ['engine/**/*.ts'];
const RUNTIME = ['language/runtime/**/*.ts', 'language/vocabulary/**/*.ts'];
const ALL_TS = ['{engine,language,debug-adapter,cli,extension,build,test,bench}/**/*.ts'];
const SCRIPTS = ['*.{mjs,cjs}', '{build,test,bin}/**/*.{mjs,cjs}'];

const banned = (selector, message) => ({ selector, message });

/** Banned in every file. */
const EVERYWHERE = [
  banned('ExportAllDeclaration[exported=null]', '`export *` hides what a file offers. Export by name.'),
];

/** Banned where a machine's state or its course could leak out of `Kernel`. */
const DETERMINISTIC = [
  banned('Program > VariableDeclaration[kind="let"], ExportNamedDeclaration > VariableDeclaration[kind="let"]',
    'A variable at module level is state outside the machine. Make it a field of Kernel (or a `const`).'),
  banned(':matches(Program, ExportNamedDeclaration) > VariableDeclaration > VariableDeclarator > :matches(ArrayExpression[elements.length=0], ObjectExpression[properties.length=0], NewExpression[callee.name=/^(Map|Set|WeakMap|WeakSet)$/][arguments.length=0])',
    'An empty container at module level is there to be filled: state outside the machine. Make it a field of Kernel, or write its contents here.'),
  banned(':matches(ClassDeclaration, ClassExpression):not([superClass.name="Error"])',
    'State is plain data and functions take it first: write an interface and functions. (Only an error may be a class.)'),
  banned(':function[async=true], AwaitExpression, ForOfStatement[await=true]',
    'Nothing here waits for the host. What may sleep is a generator (`function*`) that the scheduler resumes in virtual time.'),
  banned('MemberExpression[object.name="Math"][property.name="random"]', 'A run repeats event for event. Use the seeded random numbers of the machine (k.platform.seed).'),
  banned('MemberExpression[property.name=/^toLocale|^localeCompare$/]', 'The host\'s language must not show in a run. Write the format out; compare with < and >.'),
];

/** Banned in the engine: ways to change state that a data breakpoint would not see (DESIGN.md, decision 4). */
const VISIBLE_WRITES = [
  banned('CallExpression[callee.property.name=/^(splice|copyWithin)$/]', 'A data breakpoint sees plain assignments only. Move the elements in a loop, or use push, pop and shift.'),
  banned('CallExpression[callee.object.name="Object"][callee.property.name=/^(assign|define|setPrototypeOf)/]',
    'A data breakpoint sees plain assignments only. Assign each property by name.'),
  banned('CallExpression[callee.object.name="Reflect"], UnaryExpression[operator="delete"]', 'A record keeps its fields: assign null, 0 or undefined instead.'),
];

const HOST_GLOBALS = ['Date', 'performance', 'process', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'crypto', 'fetch', 'console',
  'Promise', 'WeakRef', 'FinalizationRegistry', 'globalThis', 'Intl', 'Atomics'];

const hostGlobals = HOST_GLOBALS.map((name) => ({
  name,
  message: name === 'console' ? 'Use printk(k, …), or give the text to the caller.' : 'The machine knows no host: time is k.now, waiting is a generator. Take what you need as a parameter.',
}));

const restrictedSyntax = (...lists) => ['error', ...EVERYWHERE, ...lists.flat()];

const sizes = (lines, parameters) => ({
  'max-lines': ['error', { max: lines }],
  'max-lines-per-function': ['error', { max: 60 }],
  'max-depth': ['error', 4],
  'max-params': ['error', parameters],
  'complexity': ['error', { max: 16, variant: 'modified' }],
});

/** Core rules that are worth having in scripts too. */
const plainRules = {
  'eqeqeq': 'error',
  'no-else-return': ['error', { allowElseIf: false }],
  'no-eval': 'error',
  'no-new-func': 'error',
  'no-unreachable-loop': 'error',
  'no-var': 'error',
  'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'], location: 'start' }],
  'object-shorthand': 'error',
  'prefer-const': ['error', { destructuring: 'all' }],
  'no-restricted-syntax': restrictedSyntax(),
  'max-len': ['error', { code: 150, ignoreUrls: true, ignoreStrings: true, ignoreTemplateLiterals: true, ignoreRegExpLiterals: true, ignoreComments: false }],
  'pagewalk/boolean-argument': 'error',
  ...sizes(500, 5),
};

const typescriptRules = {
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/ban-ts-comment': ['error', { 'ts-ignore': true, 'ts-expect-error': true, 'ts-nocheck': true, 'ts-check': true }],
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all' }],
  '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  '@typescript-eslint/no-namespace': 'error',
};

/** `PG_buddy`, `__GFP_HIGHMEM`. */
const KERNEL_CONSTANT = '^_*[A-Z]{2,}_[A-Za-z0-9_]+$';

/** camelCase, PascalCase types. Properties are free: they carry the kernel's, DAP's and Langium's names. */
const houseNames = ['error',
  { selector: 'default', format: ['camelCase'], leadingUnderscore: 'allow' },
  { selector: ['import', 'property', 'method', 'typeMethod', 'accessor'], format: null },
  { selector: 'variable', modifiers: ['const', 'global'], format: ['camelCase', 'UPPER_CASE', 'PascalCase'] },
  { selector: 'variable', modifiers: ['const', 'global'], filter: { regex: KERNEL_CONSTANT, match: true }, format: null },
  { selector: ['variable', 'parameter'], modifiers: ['destructured'], format: null },
  { selector: 'typeLike', format: ['PascalCase'], custom: { regex: '^I[A-Z][a-z]', match: false } },
];

export default tseslint.config(
  { ignores: ['dist/', '**/node_modules/', '**/generated/', 'test/vscode-host/.browser/', 'test/shots/', '**/*.d.ts'] },
  { linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: 'error' }, plugins: { pagewalk } },
  { files: SCRIPTS, rules: { ...plainRules, 'pagewalk/file-name': ['error', 'kebab'], 'no-unused-vars': ['error', { argsIgnorePattern: '^_' }] } },
  {
    files: ALL_TS,
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...plainRules,
      ...typescriptRules,
      'pagewalk/file-name': ['error', 'kebab'],
      '@typescript-eslint/naming-convention': houseNames,
    },
  },
  {
    files: ENGINE,
    rules: {
      ...sizes(500, 7),
      'pagewalk/file-name': ['error', 'kernel'],
      'pagewalk/lonely-yield': 'error',
      'pagewalk/page-columns': 'error',
      'pagewalk/yield-generators': 'error',
      'no-restricted-syntax': restrictedSyntax(DETERMINISTIC, VISIBLE_WRITES),
      'no-restricted-globals': ['error', ...hostGlobals],
      '@typescript-eslint/naming-convention': 'off',
    },
  },
  { files: ['engine/mm/**/*.ts'], rules: { 'max-lines': ['error', { max: 800 }] } },
  // A tracepoint passes its fields by position, however many it has.
  { files: ['engine/trace/**/*.ts'], rules: { 'max-params': 'off' } },
  { files: ['engine/mm/mem_map.ts'], rules: { 'pagewalk/page-columns': 'off' } },
  {
    files: RUNTIME,
    rules: {
      'pagewalk/lonely-yield': 'error',
      'pagewalk/page-columns': 'error',
      'pagewalk/yield-generators': 'error',
      'no-restricted-syntax': restrictedSyntax(DETERMINISTIC),
      'no-restricted-globals': ['error', ...hostGlobals],
    },
  },
  { files: ['language/**/*.ts', 'debug-adapter/**/*.ts'], rules: { 'no-console': 'error' } },
  { files: ['debug-adapter/worker/hooks.ts'], rules: { '@typescript-eslint/naming-convention': 'off' } },
  { files: ['test/**'], rules: { 'max-lines-per-function': 'off' } },
);
