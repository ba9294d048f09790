// The composing place of validation: which checks look at which nodes. Everything that can be said without running a scenario is said
// here; what the machine cannot do yet is the compiler's to say.
import { AstUtils } from 'langium';
import type { AstNode } from 'langium';
import type { Bindings } from './bindings.ts';
import type { PagewalkAstType } from './generated/ast.ts';
import type { LoadedScenario } from './load.ts';
import type { Problem } from './problem.ts';
import { rangeOfKeyword } from './ranges.ts';
import { callersOf } from './validation/callers.ts';
import type { Callers } from './validation/callers.ts';
import { checkCall } from './validation/calls.ts';
import { contextsFor } from './validation/context.ts';
import type { CheckContext } from './validation/context.ts';
import { checkDivision, checkNegative } from './validation/expressions.ts';
import { checkMachine } from './validation/machine.ts';
import { checkIndex, checkMember, checkMemberCall } from './validation/members.ts';
import { checkAssign, checkDuplicates, checkHidden, checkNameRef, checkSignedName } from './validation/names.ts';
import { checkConst, checkTopLevelExpect } from './validation/pure.ts';
import {
  checkBlockStatement, checkBootStatement, checkExit, checkFor, checkForker, checkJump, checkReachable, checkRepeat, checkReturn, checkSleep,
  checkTouch,
} from './validation/statements.ts';
import { checkExpectsBug, checkStop } from './validation/stops.ts';
import { checkFork, checkTask, checkWait } from './validation/tasks.ts';

type Checks = { [T in keyof PagewalkAstType]?: (node: PagewalkAstType[T], context: CheckContext, callers: Callers) => void };

const CHECKS: Checks = {
  Machine: checkMachine,
  Process: checkTask,
  Kernel: checkTask,
  Const: checkConst,
  Stop: (node, context, callers) => checkStop(node, context, (expression, inner) => checkTree(expression, inner, callers)),
  Expect: checkTopLevelExpect,
  ExpectsBug: checkExpectsBug,
  Block: checkReachable,
  BlockStatement: checkBlockStatement,
  Break: checkJump,
  Continue: checkJump,
  Return: checkReturn,
  Exit: (node, context, callers) => {
    checkExit(node, context);
    checkBootStatement(node, callers, context);
  },
  Sleep: (node, context, callers) => {
    checkSleep(node, context);
    checkBootStatement(node, callers, context);
  },
  Touch: (node, context, callers) => {
    checkTouch(node, context);
    checkBootStatement(node, callers, context);
  },
  Wait: (node, context, callers) => {
    checkWait(node, context);
    checkBootStatement(node, callers, context);
  },
  Let: (node, context, callers) => checkBootStatement(node, callers, context),
  ForkStatement: (node, context, callers) => checkBootStatement(node, callers, context),
  Fork: (node, context, callers) => {
    checkFork(node, context);
    checkForker(node, callers, context);
  },
  Repeat: checkRepeat,
  For: checkFor,
  Assign: checkAssign,
  NameRef: checkNameRef,
  Signed: checkSignedName,
  Member: checkMember,
  Index: checkIndex,
  Binary: checkDivision,
  Unary: checkNegative,
  Call: checkAnyCall,
  CallStatement: checkAnyCall,
};

/** Whether a file without a machine is a mistake: a scenario needs one, a file that others import does not. */
export type FileRole = 'scenario' | 'library';

/** Checks files that were read without a problem. */
export function validateScenario(loaded: LoadedScenario, bindings: Bindings, role: FileRole): Problem[] {
  const problems: Problem[] = [];
  const contexts = contextsFor(loaded, bindings, problems);
  const callers = callersOf(loaded.sources, bindings);
  if (contexts[0] !== undefined) checkMachineCount(contexts[0], role);
  checkDuplicates(contexts);
  checkHidden(contexts);
  for (const context of contexts) for (const node of context.source.scenario.decls) checkTree(node, context, callers);
  return problems;
}

function checkMachineCount(context: CheckContext, role: FileRole): void {
  const { decls } = context.source.scenario;
  const machines = decls.filter((decl) => decl.$type === 'Machine');
  for (const machine of machines.slice(1)) context.error(rangeOfKeyword(machine, 'machine'), 'A scenario has one `machine` block: move these settings into the first one.');
  const isLibrary = role === 'library' && decls.every((decl) => decl.$type === 'Def' || decl.$type === 'Const');
  if (machines.length === 0 && !isLibrary) context.error({ start: 0, end: 0 }, 'There is no `machine` block: a scenario needs one, as in `machine { memory 64MiB }`.');
}

function checkTree(root: AstNode, context: CheckContext, callers: Callers): void {
  for (const node of AstUtils.streamAst(root)) {
    const check = CHECKS[node.$type as keyof PagewalkAstType] as ((node: AstNode, context: CheckContext, callers: Callers) => void) | undefined;
    check?.(node, context, callers);
  }
}

function checkAnyCall(node: PagewalkAstType['Call'] | PagewalkAstType['CallStatement'], context: CheckContext, callers: Callers): void {
  checkCall(node, callers, context);
  checkMemberCall(node, context);
}
