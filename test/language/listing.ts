// A compiled routine as text, one instruction a line, for tests that compare whole listings.
import type { ExpressionData, Instruction, ProgramData, Routine } from '../../language/runtime/index.ts';

/** Every routine: its head, its instructions, and where its locals are visible. */
export function listing(program: ProgramData): string {
  return program.routines.map((routine) => routineText(program, routine)).join('\n');
}

function routineText(program: ProgramData, routine: Routine): string {
  const code = routine.code.map((instruction, pc) => `${String(pc).padStart(3)} ${instructionText(program, instruction)}`);
  const locals = routine.locals.map(({ name, slot, from, to }) => `    ${name} is $${slot} from ${from} to ${to}`);
  return [`${routine.kind} ${routine.name}(${routine.parameters.join(', ')})`, ...code, ...locals].join('\n');
}

function instructionText(program: ProgramData, instruction: Instruction): string {
  switch (instruction.op) {
    case 'statement': return `statement at ${program.statements[instruction.id]!.line}`;
    case 'head': return `head at ${program.statements[instruction.id]!.line}`;
    case 'set': return `$${instruction.slot} = ${text(instruction.value)}`;
    case 'store': return `${text(instruction.list)}[${text(instruction.index)}] = ${text(instruction.value)}`;
    case 'jump': return `goto ${instruction.to}`;
    case 'unless': return `unless ${text(instruction.condition)} goto ${instruction.to}`;
    case 'range': return `$${instruction.state} = ${text(instruction.from)} .. ${text(instruction.end)} step ${instruction.step === null ? 1 : text(instruction.step)}`;
    case 'nextInRange': return `${target(instruction.variable)}next of $${instruction.state} else goto ${instruction.exit}`;
    case 'list': return `$${instruction.state} = items of ${text(instruction.list)}`;
    case 'nextInList': return `${target(instruction.variable)}next of $${instruction.state} else goto ${instruction.exit}`;
    case 'kernel': return `${target(instruction.slot)}${instruction.name}(${all(instruction.args)})`;
    case 'random': return `${target(instruction.slot)}random(${text(instruction.limit)})`;
    case 'def': return `${target(instruction.slot)}def ${program.routines[instruction.routine]!.name}(${all(instruction.args)})`;
    case 'return': return `return ${optional(instruction.value)}`;
    case 'print': return `print(${all(instruction.args)})`;
    case 'expect': return `expect ${text(instruction.condition)} "${instruction.text}" ${JSON.stringify(instruction.message)}`;
    case 'sleep': return `sleep ${text(instruction.time)}`;
    case 'wait': return `wait ${instruction.forks === null ? 'all' : [...instruction.tasks, ...instruction.forks.map((name) => `fork ${name}`)].join(', ')}`;
    case 'fork': return `${target(instruction.slot)}fork ${instruction.name}, the parent goes to ${instruction.to}`;
    case 'touch': return `touch ${instruction.mode ?? 'as allowed'} $${instruction.state}${instruction.hasStep ? '' : ', page by page'}`;
    case 'exit': return `exit ${optional(instruction.value)}`;
    case 'breakpoint': return 'breakpoint';
  }
}

/** An expression with all its brackets; a temporary is `$n`, a local its name. */
export function text(expression: ExpressionData): string {
  switch (expression.kind) {
    case 'literal': return typeof expression.value === 'bigint' ? String(expression.value) : JSON.stringify(expression.value);
    case 'slot': return expression.name === '' ? `$${expression.slot}` : expression.name;
    case 'name': return expression.name;
    case 'listOf': return `[${all(expression.items)}]`;
    case 'unary': return `${expression.operator}${text(expression.operand)}`;
    case 'binary': return `(${text(expression.left)} ${expression.operator} ${text(expression.right)})`;
    case 'conditional': return `(${text(expression.condition)} ? ${text(expression.then)} : ${text(expression.else)})`;
    case 'call': return `${expression.name}(${all(expression.args)})`;
    case 'method': return `${text(expression.object)}.${expression.name}(${all(expression.args)})`;
    case 'member': return `${text(expression.object)}.${expression.name}`;
    case 'index': return `${text(expression.object)}[${text(expression.index)}]`;
  }
}

function all(expressions: readonly ExpressionData[]): string {
  return expressions.map(text).join(', ');
}

function optional(expression: ExpressionData | null): string {
  return expression === null ? '' : text(expression);
}

function target(slot: number | null): string {
  return slot === null ? '' : `$${slot} = `;
}
