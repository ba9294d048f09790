/** The functions any expression may call: they only look. Arguments come evaluated; a ValueError says what is wrong with them. */
import type { Kernel } from '../../engine/index.ts';
import type { Integer, Value } from './values.ts';
import { BINARY, ValueError, hex, toInteger, toNumber } from './values.ts';
import { isKernelAddress } from './addresses.ts';
import { registerAddress } from './call.ts';
import { isLowMemory, pageAt, pageOfAddress } from './objects-page.ts';
import { pageMappedAt, pteAt } from './objects-pte.ts';
import { sizeOf } from './objects.ts';

export type PureFunction = (k: Kernel, args: Value[]) => Value;

export const FUNCTIONS: ReadonlyMap<string, PureFunction> = new Map<string, PureFunction>([
  ['len', (k, args) => sizeOf(k, one(args))],
  ['min', (_, args) => items(args).reduce((a, b) => (BINARY['<']!(b, a) === true ? b : a))],
  ['max', (_, args) => items(args).reduce((a, b) => (BINARY['>']!(b, a) === true ? b : a))],
  ['sum', (_, args) => listed(args).reduce((a, b) => BINARY['+']!(a, b), 0)],
  ['abs', (_, args) => absolute(toInteger(one(args)))],
  ['hex', (_, args) => hex(toInteger(one(args)))],
  ['page', (k, args) => pageAt(k, toNumber(one(args)))],
  ['page_of', (k, args) => pageOfCurrent(k, toInteger(one(args)))],
  ['pte', (k, args) => pteAt(k, k.current, toInteger(one(args)))],
]);

/** Addresses of the kernel's map of low memory are the same for everybody; any other is looked up in the tables of the running task. Kernel threads
 *  have none of user space. */
function pageOfCurrent(k: Kernel, address: Integer): Value {
  const hasNoTables = k.tasks[k.current]!.kind !== 'user' && !isKernelAddress(k, address);
  return hasNoTables || isLowMemory(k, address) ? pageOfAddress(k, address) : pageMappedAt(k, k.current, registerAddress(k, address));
}

function absolute(n: Integer): Value {
  return n < 0 ? BINARY['-']!(0, n) : n;
}

function one(args: Value[]): Value {
  if (args.length !== 1) throw new ValueError(`one argument is expected, not ${args.length}`);
  return args[0]!;
}

/** `min(a, b)` and `min(list)` mean the same. */
function listed(args: Value[]): Value[] {
  const first = args[0];
  return args.length === 1 && Array.isArray(first) ? first : args;
}

function items(args: Value[]): Value[] {
  const list = listed(args);
  if (list.length === 0) throw new ValueError(`an empty list has no such item`);
  for (const item of list) if (typeof item !== 'string') toInteger(item);
  return list;
}

