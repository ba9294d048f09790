// Generates syntaxes/pagewalk.tmLanguage.json from the grammar and the vocabulary.
//
// A TextMate grammar sees lines, not trees: so a soft word (a setting, an option, a clause) is coloured only inside what it belongs to: settings
// between the braces of `machine`, options between a task's name and its body, clauses after `stop on`. The words come from the
// vocabulary; a keyword of the grammar that no list knows is an error here, so that the colours cannot fall behind the language.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const output = join(root, 'syntaxes', 'pagewalk.tmLanguage.json');

const NAME = '[A-Za-z_][A-Za-z0-9_]*';
const CLAUSES = ['when', 'hits', 'log'];
const JOINTS = ['on', 'priority', 'read', 'write', 'step', 'as', 'wait', 'zone'];
const CONTROL = ['if', 'else', 'while', 'for', 'in', 'repeat', 'break', 'continue', 'return', 'exit'];
const ACTIONS = ['touch', 'sleep', 'fork', 'expect', 'breakpoint'];

/** Writes the grammar. Throws when a keyword of the language is in none of the lists. */
export async function generateTextMate() {
  const vocabulary = await loadVocabulary();
  checkKeywords(vocabulary);
  writeFileSync(output, `${JSON.stringify(textMateGrammar(vocabulary), null, 2)}\n`);
}

/** The vocabulary is TypeScript without dependencies: bundled into one text, it can be imported as it is. */
async function loadVocabulary() {
  const contents = ['calls', 'members', 'settings', 'units'].map((name) => `export * from './${name}.ts';`).join('\n');
  const stdin = { contents, resolveDir: join(root, 'language', 'vocabulary') };
  const result = await build({ stdin, bundle: true, write: false, format: 'esm', target: 'es2022' });
  return import(`data:text/javascript;base64,${Buffer.from(result.outputFiles[0].text).toString('base64')}`);
}

function checkKeywords({ RESERVED, FORMS, SETTINGS, DISK_SETTINGS, PROCESS_OPTIONS }) {
  const known = new Set([...RESERVED, ...FORMS, ...SETTINGS, ...DISK_SETTINGS, ...PROCESS_OPTIONS, ...CLAUSES, ...JOINTS]);
  const grammar = readFileSync(join(root, 'language', 'pagewalk.langium'), 'utf8').replace(/\/\/.*/g, '');
  const unknown = [...grammar.matchAll(/'([a-z_]+)'/g)].map(([, word]) => word).filter((word) => !known.has(word));
  if (unknown.length > 0) throw new Error(`build/textmate.mjs: no colour for the keywords ${[...new Set(unknown)].join(', ')}`);
}

function textMateGrammar(vocabulary) {
  const { DISK_SETTINGS, FORMS, PROCESS_OPTIONS, SETTINGS } = vocabulary;
  return {
    $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
    name: 'Pagewalk',
    scopeName: 'source.pagewalk',
    fileTypes: ['pagewalk'],
    patterns: include('comments', 'machine', 'task', 'stop', 'forms', 'block', 'expression'),
    repository: {
      comments: { patterns: comments() },
      machine: {
        begin: String.raw`\b(machine)\s*(\{)`, beginCaptures: captures('keyword.declaration', 'punctuation.section.block.begin'),
        end: String.raw`\}`, endCaptures: whole('punctuation.section.block.end'), name: 'meta.machine',
        patterns: [...include('comments', 'sysctl', 'disk', 'node'), word([...SETTINGS, 'on', 'priority'], 'keyword.other.setting'), ...include('expression')],
      },
      sysctl: { match: String.raw`\b(sysctl)\s+([A-Za-z_][\w.-]*)`, captures: captures('keyword.other.setting', 'variable.other.property.sysctl') },
      disk: innerBlock(String.raw`\b(disk)\s+(${NAME})\s*(\{)`, [...DISK_SETTINGS, 'read', 'write'], 'meta.disk'),
      node: innerBlock(String.raw`\b(node)\s+(\w+)\s*(\{)`, ['zone'], 'meta.node'),
      task: {
        begin: String.raw`\b(process|kernel)\b(?:\s+(${NAME}))?`, beginCaptures: captures('keyword.declaration', 'entity.name.class'),
        end: String.raw`(?=[{};])`, name: 'meta.task',
        patterns: [...include('comments'), { match: String.raw`\b(after)\s+(${NAME}(?:\.\d+)?)`, captures: captures('keyword.other.option', 'entity.name.class') }, word(PROCESS_OPTIONS, 'keyword.other.option'), ...include('expression')],
      },
      stop: {
        begin: String.raw`\b(stop)\s+(on)\s+(${NAME}(?:\s*:\s*${NAME})?)`, beginCaptures: captures('keyword.declaration', 'keyword.other.clause', 'entity.name.function.event'),
        end: String.raw`(?=;|\}|\b(?:${FORMS.join('|')})\b)`, name: 'meta.stop',
        patterns: [...include('comments', 'logText'), word(['when', 'hits'], 'keyword.other.clause'), ...include('expression')],
      },
      logText: logText(),
      forms: { patterns: forms() },
      block: {
        begin: String.raw`\{`, beginCaptures: whole('punctuation.section.block.begin'), end: String.raw`\}`, endCaptures: whole('punctuation.section.block.end'),
        patterns: include('comments', 'statement', 'block', 'forms', 'expression'),
      },
      statement: { patterns: statements() },
      expression: { patterns: expressions(vocabulary) },
      string: string(),
    },
  };
}

function comments() {
  return [
    { begin: String.raw`/\*`, end: String.raw`\*/`, name: 'comment.block' },
    { match: String.raw`//.*$`, name: 'comment.line.double-slash' },
  ];
}

/** `disk NAME { … }` and `node N { … }` inside the machine. */
function innerBlock(begin, words, name) {
  return {
    begin, beginCaptures: captures('keyword.other.setting', 'entity.name.type', 'punctuation.section.block.begin'),
    end: String.raw`\}`, endCaptures: whole('punctuation.section.block.end'), name,
    patterns: [...include('comments'), word(words, 'keyword.other.setting'), { match: String.raw`(/)\s*(s)\b`, captures: captures('keyword.operator', 'keyword.other.unit') }, ...include('expression')],
  };
}

function string() {
  return {
    begin: '"', end: String.raw`"|$`, name: 'string.quoted.double',
    patterns: [{ match: String.raw`\\[nt"\\]`, name: 'constant.character.escape' }, { match: String.raw`\\.`, name: 'invalid.illegal.escape' }],
  };
}

/** In a log text, `{expr}` is an expression whose own quotes are escaped, and doubled braces are braces. */
function logText() {
  return {
    begin: String.raw`\b(log)\s*(")`, beginCaptures: captures('keyword.other.clause', 'string.quoted.double'), end: String.raw`"|$`, endCaptures: whole('string.quoted.double'),
    contentName: 'string.quoted.double',
    patterns: [
      { match: String.raw`\{\{|\}\}|\\[nt"\\]`, name: 'constant.character.escape' },
      {
        begin: String.raw`\{`, beginCaptures: whole('punctuation.section.embedded.begin'), end: String.raw`\}|(?=")(?<!\\)|$`, endCaptures: whole('punctuation.section.embedded.end'), name: 'meta.embedded.line',
        patterns: [{ begin: String.raw`\\"`, end: String.raw`\\"|$`, name: 'string.quoted.double' }, ...include('expression')],
      },
    ],
  };
}

function forms() {
  return [
    { match: String.raw`\b(def)\s+(${NAME})`, captures: captures('keyword.declaration', 'entity.name.function') },
    { match: String.raw`\b(const)\s+(${NAME})`, captures: captures('keyword.declaration', 'variable.other.constant') },
    word(['def', 'const', 'boot', 'machine', 'stop'], 'keyword.declaration'),
    word(['import'], 'keyword.control.import'),
    { match: String.raw`\bexpects_bug\b(?=\s*")`, name: 'keyword.declaration' },
    word(['expect'], 'keyword.other.action'),
  ];
}

function statements() {
  return [
    { match: String.raw`\b(let)\s+(${NAME})`, captures: captures('keyword.declaration', 'variable.other.readwrite') },
    { match: String.raw`\b(fork)\s+(${NAME})`, captures: captures('keyword.other.action', 'entity.name.class') },
    { match: String.raw`\b(wait)\s+(all)\b`, captures: captures('keyword.other.action', 'keyword.other.action') },
    { match: String.raw`\b(wait)\s+(${NAME}(?:\.\d+)?)(?!\s*(?:[-+*/]?=(?!=)|[(\[]))`, captures: captures('keyword.other.action', 'entity.name.class') },
    { match: String.raw`\b(as)\s+(${NAME})(?=\s*(?:\{|$))`, captures: captures('keyword.control', 'variable.other.readwrite') },
    { match: String.raw`(?<=[\w)\]]\s)\b(?:read|write)\b(?=\s*(?:$|;|\}|//|step\b))`, name: 'keyword.other.clause' },
    { match: String.raw`(?<=[\w)\]]\s)\bstep\b(?=\s+[\w(-])`, name: 'keyword.control' },
    word(CONTROL, 'keyword.control'),
    word(ACTIONS, 'keyword.other.action'),
    word(['let'], 'keyword.declaration'),
  ];
}

function expressions({ UNITS, GLOBALS, callNames }) {
  return [
    ...include('string', 'comments'),
    { match: String.raw`\b0x[0-9A-Fa-f]+(?:_[0-9A-Fa-f]+)*\b`, name: 'constant.numeric.hex' },
    { match: String.raw`\b([0-9]+(?:_[0-9]+)*)(${Object.keys(UNITS).join('|')})?\b`, captures: captures('constant.numeric.decimal', 'keyword.other.unit') },
    { match: String.raw`\b\d\w*`, name: 'invalid.illegal.numeric' },
    word(['true', 'false'], 'constant.language.boolean'),
    { match: String.raw`(?<!\.)\.(?!\.)\s*(${NAME})`, captures: captures('variable.other.property') },
    { match: String.raw`\b(?:${callNames().join('|')})\b(?=\s*\()`, name: 'support.function' },
    { match: String.raw`\b${NAME}(?=\s*\()`, name: 'entity.name.function' },
    { match: String.raw`\b(?:__)?[A-Z][A-Z0-9_]+\b`, name: 'variable.other.constant' },
    { match: String.raw`\b(?:${Object.keys(GLOBALS).join('|')})\b(?!\s*:)`, name: 'support.variable' },
    { match: String.raw`\b(${NAME})\s*(:)(?!:)`, captures: captures('variable.parameter', 'punctuation.separator') },
    { match: String.raw`\.\.|<<|>>|&&|\|\||[-+*/]=|[=!<>]=|[-+*/%&|^~!<>=?:]`, name: 'keyword.operator' },
  ];
}

function include(...names) {
  return names.map((name) => ({ include: `#${name}` }));
}

function word(words, name) {
  return { match: String.raw`\b(?:${words.join('|')})\b`, name };
}

function captures(...names) {
  return Object.fromEntries(names.map((name, i) => [String(i + 1), { name }]));
}

function whole(name) {
  return { 0: { name } };
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) await generateTextMate();
