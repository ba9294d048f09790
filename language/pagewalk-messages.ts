// What the parser says about a mistake, in the words of the language: what was found, what is missing, what to write instead.
// Each hook of the parser library tries the most telling explanation first.
import { AbstractParserErrorMessageProvider } from 'langium';
import { mark } from './marked-message.ts';
import { didYouMean } from './near.ts';
import { isEndOfFile, isWord } from './tokens.ts';
import type { Token, TokenType } from './tokens.ts';
import { callNames } from './vocabulary/calls.ts';
import { DISK_SETTINGS, FORMS, KERNEL_OPTIONS, PROCESS_OPTIONS, RESERVED, SETTINGS, STATEMENTS } from './vocabulary/settings.ts';
import { UNITS } from './vocabulary/units.ts';

interface Mismatch {
  expected: TokenType;
  actual: Token;
  previous: Token;
  ruleName: string;
}

interface NoAlternative {
  actual: Token[];
  previous: Token;
  ruleName: string;
}

const forms: ReadonlySet<string> = new Set(FORMS);
const settings: ReadonlySet<string> = new Set(SETTINGS);
const statements: ReadonlySet<string> = new Set(STATEMENTS);
const reserved: ReadonlySet<string> = new Set(RESERVED);
const functions: ReadonlySet<string> = new Set(callNames());
const C_TYPES = new Set(['int', 'long', 'char', 'short', 'unsigned', 'void', 'var', 'size_t', 'u32', 'u64']);
const TOKEN_NAMES: Readonly<Record<string, string>> = { ID: 'a name', NUMBER: 'a number', STRING: 'a string in double quotes', EOF: 'the end of the file' };

export class PagewalkMessages extends AbstractParserErrorMessageProvider {
  override buildMismatchTokenMessage({ expected, actual, previous, ruleName }: Mismatch): string {
    const rule = plainName(ruleName);
    return (
      aboutAnywhere(actual, previous) ??
      (expected.name === '}' ? aboutBlockEnd(rule, actual, previous) : undefined) ??
      (expected.name === '{' ? aboutBlockStart(actual, previous) : undefined) ??
      (expected.name === 'EOF' ? aboutTopLevel(actual, previous) : undefined) ??
      aboutReservedName(expected, actual, previous) ??
      aboutRule(rule, expected, actual, previous) ??
      mark(`Expected ${tokenName(expected)}${after(previous, actual)}, found ${quote(actual)}.`, 'after')
    );
  }

  override buildNotAllInputParsedMessage({ firstRedundant, ruleName }: { firstRedundant: Token; ruleName: string }): string {
    if (plainName(ruleName) !== 'Scenario') return aboutAnywhere(firstRedundant, undefined) ?? mark(`Unexpected ${quote(firstRedundant)} after the expression.`, 'at');
    return aboutTopLevel(firstRedundant, undefined);
  }

  override buildNoViableAltMessage({ actual, previous, ruleName }: NoAlternative): string {
    const first = actual[0]!;
    const rule = plainName(ruleName);
    return aboutAnywhere(first, previous) ?? aboutAlternatives(rule, first, previous) ?? unexpected(first, previous);
  }

  override buildEarlyExitMessage({ actual, previous }: NoAlternative): string {
    return unexpected(actual[0]!, previous);
  }
}

/** The message for a word that stands where the options of a `process` or `kernel` do; undefined when it is none of a misspelt option. */
export function unknownOption(form: 'Process' | 'Kernel', word: string): string {
  const options = form === 'Process' ? PROCESS_OPTIONS : KERNEL_OPTIONS;
  return `\`${clip(word)}\` is no option of a \`${form.toLowerCase()}\`.${didYouMean(word, options) || ` Known are: ${options.join(', ')}.`}`;
}

/** Mistakes that mean the same wherever they stand. */
function aboutAnywhere(actual: Token, previous: Token | undefined): string | undefined {
  const before = previous !== undefined && isBefore(previous, actual) ? previous : undefined;
  if (actual.image === '..') return mark('A range `a .. b` stands only after `for x in` and `touch`, without brackets around it.', 'at');
  if (before === undefined) return undefined;
  if (before.image === '.') return aboutMember(actual);
  if (before.tokenType.name === 'NUMBER' && Object.hasOwn(UNITS, actual.image)) return mark(`A unit is attached to its number: write \`${before.image}${actual.image}\`.`, 'at');
  if (['+', '-'].includes(actual.image) && before.image === actual.image) return mark(`There is no \`${actual.image}${actual.image}\`: write \`x ${actual.image}= 1\`.`, 'at');
  if (actual.image === '=' && ['%', '&', '|', '^', '<<', '>>', '&&', '||'].includes(before.image)) return mark(`There is no \`${before.image}=\`: write \`x = x ${before.image} …\`.`, 'at');
  return undefined;
}

function aboutMember(actual: Token): string | undefined {
  if (actual.tokenType.name === 'NUMBER') return mark(`A member's name does not start with a digit: write it in brackets, as in \`processes["hog.${actual.image}"]\`.`, 'at');
  if (reserved.has(actual.image)) return mark(`Expected a member's name after \`.\`, but \`${actual.image}\` is a reserved word.`, 'after');
  return mark(`Expected a member's name after \`.\`, found ${quote(actual)}.`, 'after');
}

function aboutBlockEnd(rule: string, actual: Token, previous: Token): string | undefined {
  if (isEndOfFile(actual)) return mark('A `}` is missing at the end of the file.', 'after', 'follows');
  if (rule === 'Machine') return aboutSettings('machine setting', SETTINGS, actual, previous);
  if (rule === 'DiskSetting') return aboutSettings('setting of a disk', DISK_SETTINGS, actual, previous);
  if (rule === 'NodeSetting') return aboutSettings('setting of a node', ['zone'], actual, previous);
  if (rule !== 'Block') return undefined;
  if (forms.has(actual.image) && actual.image !== 'expect') return misplacedForm(actual);
  if (actual.image === 'else') return mark('This `else` belongs to no `if`.', 'at', 'follows');
  if (actual.image === '=') return mark('Unexpected `=`. If the name before it begins a statement of its own, put a `;` before that name.', 'at');
  return unexpected(actual, previous);
}

function aboutSettings(what: string, known: readonly string[], actual: Token, previous: Token): string {
  if (forms.has(actual.image) || actual.image === 'let') return mark(`A \`}\` is missing before \`${actual.image}\`.`, 'after', 'opens');
  if (settings.has(actual.image) && what !== 'machine setting') return mark(`A \`}\` is missing before \`${actual.image}\`, which is a setting of the machine.`, 'after', 'opens');
  if (isWord(actual)) return mark(`\`${clip(actual.image)}\` is no ${what}.${didYouMean(actual.image, known) || ` Known are: ${known.join(', ')}.`}`, 'at');
  if (known.includes(previous.image) && isBefore(previous, actual)) return mark(`The setting before \`${previous.image}\` has no value.`, 'before');
  return unexpected(actual, previous);
}

function misplacedForm(actual: Token): string {
  return mark(`\`${actual.image}\` stands at the top level only: a \`}\` is missing before it, or it must move out of this block.`, 'at', 'follows');
}

function aboutBlockStart(actual: Token, previous: Token): string {
  if (actual.image === '=') return mark('Expected `{`, found `=`: a comparison is written `==`.', 'at', 'opens');
  const isLikelyOption = isWord(actual) && !reserved.has(actual.image) && !isFirstOnItsLine(actual, previous);
  return mark(`Expected \`{\`${after(previous, actual)}, found ${quote(actual)}.`, 'after', isLikelyOption ? 'option' : 'opens');
}

function aboutTopLevel(actual: Token, previous: Token | undefined): string {
  if (actual.image === '}') return mark('This `}` closes nothing.', 'at', 'follows');
  if (['when', 'hits', 'log'].includes(actual.image)) return mark('The clauses of `stop on` come in the order `when`, `hits`, `log`, each once.', 'at');
  if (statements.has(actual.image) || actual.image === 'else') {
    return mark(`\`${actual.image}\` stands in the braces of a \`process\`, \`kernel\`, \`boot\` or \`def\` only: a \`}\` before it may be one too many.`, 'at', 'follows');
  }
  if (!isWord(actual)) return previous === undefined ? mark(`Unexpected ${quote(actual)} at the top level.`, 'at') : unexpected(actual, previous);
  return mark(`${quote(actual)} starts nothing at the top level.${didYouMean(actual.image, FORMS) || ` Known are: ${FORMS.join(', ')}.`}`, 'at', functions.has(actual.image) ? 'follows' : 'none');
}

function aboutReservedName(expected: TokenType, actual: Token, previous: Token): string | undefined {
  if (expected.name !== 'ID' || !reserved.has(actual.image) || isFirstOnItsLine(actual, previous)) return undefined;
  if (actual.image === 'in') return undefined;
  return mark(`\`${actual.image}\` is a reserved word and names nothing.`, 'at');
}

/** Mistakes that one rule makes likely. */
function aboutRule(rule: string, expected: TokenType, actual: Token, previous: Token): string | undefined {
  const wanted = expected.name;
  if (rule === 'Touch' && wanted === '..') return mark(`\`touch\` takes a range, as in \`touch a .. a + 4KiB\`: expected \`..\`, found ${quote(actual)}.`, 'after');
  if (rule === 'Param' && previous.image === 'for' && actual.image === '(') return mark('A loop is written `for x in a .. b { }`, without parentheses.', 'at');
  if (rule === 'Def' && actual.image === '=') return mark('A parameter has no default: each call of a `def` gives all arguments.', 'at');
  if (rule === 'BandwidthProp') return mark(`A bandwidth is a rate, as in \`60MiB/s\`: expected ${tokenName(expected)}, found ${quote(actual)}.`, 'after');
  if (rule === 'FileSetting' && wanted === 'STRING') return mark(`A file is named by its path in double quotes, as in \`file "/var/log/big" 32MiB on sda\`: found ${quote(actual)}.`, 'at');
  if (wanted === 'on' && rule !== 'Stop') return aboutOn(actual, previous);
  if (wanted === ')' || (wanted === ']' && rule === 'Primary')) return aboutListEnd(wanted, actual, previous);
  return undefined;
}

function aboutOn(actual: Token, previous: Token): string {
  if (previous.image === 'on') return mark('A size is missing before `on`, as in `swap sda2 16MiB on sda`.', 'before');
  return mark(`Expected \`on\` and a disk's name, as in \`on sda\`, found ${quote(actual)}.`, 'after');
}

function aboutListEnd(wanted: string, actual: Token, previous: Token): string {
  if (previous.image === '(' && isBefore(previous, actual)) return aboutValue(actual, previous);
  if (actual.image === '=') return mark('A named argument is written `name: value`, and a comparison `==`.', 'at');
  if (previous.image === ',' && isBefore(previous, actual)) return mark(`Expected a value after \`,\`, found ${quote(actual)}.`, 'after');
  return mark(`Expected \`,\` or \`${wanted}\`${after(previous, actual)}, found ${quote(actual)}.`, 'after');
}

function aboutAlternatives(rule: string, first: Token, previous: Token): string | undefined {
  switch (rule) {
    case 'NameStatement':
      return aboutNameStatement(first, previous);
    case 'Statement':
      return aboutStatement(first);
    case 'Setting':
      return mark(`${quote(first)} is no machine setting.${didYouMean(first.image, SETTINGS)}`, 'at');
    case 'Primary': case 'Unary': case 'Let': case 'Expr': case 'Signed': case 'Arg': case 'Postfix': case 'Binary':
      return aboutValue(first, previous);
    case 'FailProp':
      return mark('`fail` takes `read` or `write`, and block numbers: `fail read 8 .. 16`.', 'after');
    default:
      return undefined;
  }
}

function aboutStatement(first: Token): string {
  if (first.image === 'wait') return mark('`wait` takes the name of a task, as in `wait hog`, or `all`.', 'at');
  return mark(`${quote(first)} starts no statement.${didYouMean(first.image, STATEMENTS)}`, 'at');
}

function aboutNameStatement(first: Token, previous: Token): string {
  if (/=$/.test(previous.image)) return aboutValue(first, previous);
  const word = previous.image;
  const name = `\`${clip(word)}\``;
  if (Object.hasOwn(UNITS, word)) return mark(`A unit is attached to its number, as in \`4KiB\`: ${name} stands alone.`, 'before');
  if (functions.has(word)) return mark(`${name} is a function: its arguments stand in parentheses, as in \`${word}(…)\`.`, 'before');
  if (C_TYPES.has(word)) return mark(`Variables have no types: write \`let ${isWord(first) ? clip(first.image) : 'x'} = …\`.`, 'before');
  const suggestion = didYouMean(word, STATEMENTS);
  if (suggestion !== '') return mark(`${name} starts no statement.${suggestion}`, 'before');
  return mark(`${name} alone is no statement: expected \`=\` or \`(\` after it, found ${quote(first)}.`, 'before');
}

function aboutValue(first: Token, previous: Token): string {
  if (first.image === 'fork') return mark('A `fork` gives its pid only to `let pid = fork NAME { … }` or `pid = fork NAME { … }`.', 'at');
  if (reserved.has(first.image) && !isFirstOnItsLine(first, previous)) return mark(`Expected a value${after(previous, first)}, but \`${first.image}\` is a reserved word.`, 'at');
  return mark(`Expected a value${after(previous, first)}, found ${quote(first)}.`, 'after');
}

function unexpected(actual: Token, previous: Token): string {
  return mark(`Unexpected ${quote(actual)}${after(previous, actual)}.`, 'at');
}

/** The parser library marks its rules with an invisible character. */
function plainName(ruleName: string): string {
  return ruleName.replace(/\u200B$/, '');
}

function tokenName(type: TokenType): string {
  return TOKEN_NAMES[type.name] ?? `\`${type.name}\``;
}

/** While it recovers, the parser library gives the found token itself as the one before. */
function isBefore(previous: Token, actual: Token): boolean {
  return isEndOfFile(actual) || previous.startOffset < actual.startOffset;
}

function isFirstOnItsLine(actual: Token, previous: Token): boolean {
  return (previous.endLine ?? 0) < (actual.startLine ?? 0);
}

function after(previous: Token, actual: Token): string {
  return previous.image && isBefore(previous, actual) ? ` after \`${clip(previous.image)}\`` : '';
}

function quote(token: Token): string {
  return isEndOfFile(token) ? 'the end of the file' : `\`${clip(token.image)}\``;
}

function clip(image: string): string {
  return image.length > 24 ? `${image.slice(0, 23)}…` : image;
}
