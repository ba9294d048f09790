/** The door of the language's runtime: what runs and inspects a compiled scenario. Neither Langium nor Node is behind it. */
export type {
  BinaryOperator, Expectation, ExpressionData, Frame, Instruction, LocalInfo, LogText, OutputRecord, Position, ProgramData, Routine, Span,
  StatementInfo, StopOn, UnaryOperator,
} from './program.ts';
export type { Integer, ObjectValue, Value } from './values.ts';
export { ValueError, hex, isInteger, isObject, isTrue } from './values.ts';
export { EvaluationError, placeOf } from './errors.ts';
export type { Described } from './describe-expression.ts';
export { describeExpression } from './describe-expression.ts';
export type { Names, Positional } from './evaluate.ts';
export { compileCondition, compileLog, evaluate } from './evaluate.ts';
export { shownAddress } from './addresses.ts';
export { toValue } from './foreign.ts';
export { framesOf, namesOf, placeOfTask, visibleLocals } from './frames.ts';
export type { Host } from './step.ts';
export type { LinkedProgram } from './link.ts';
export { linkProgram } from './link.ts';
export { MACHINE, MACHINE_NAMES } from './objects-machine.ts';
export { mmValueOf, vmaValue } from './objects-mm.ts';
export { pteValue } from './objects-pte.ts';
export { taskValue } from './objects-task.ts';
export { pageAt } from './objects-page.ts';
export { nodeValue, zoneValue } from './objects-zone.ts';
export type { Child, ChildCounts, Page } from './objects.ts';
export { childCounts, children, describe, element, indexedChildren, itemsOf, member, namedChildren, toText } from './objects.ts';
export { hasFailed, programOutput } from './output.ts';
export { NAMES_NOT_MODELLED, notModelled } from './not-modelled.ts';
export type { RunResult, Verdict } from './verdict.ts';
export { endOf, failureOf, finishRun, judge, summaryOf } from './verdict.ts';
export { count, grouped, showTime } from './words.ts';
