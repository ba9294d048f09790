/** What a kernel call is to the interpreter, and how its arguments are read. Each reader throws ValueError for a value of the wrong kind. */
import type { Kernel, VirtAddr, Wait } from '../../engine/index.ts';
import { virt } from '../../engine/index.ts';
import { engineAddress } from './addresses.ts';
import type { Value } from './values.ts';
import { ValueError, isInteger, nameOfKind, toInteger, toNumber } from './values.ts';

/** A call that never sleeps. Throws ValueError for an argument of the wrong kind. */
export type AtomicCall = (k: Kernel, args: Value[]) => Value;

/** A call that may: what it starts in the engine, and what its end means. `begin` throws ValueError before anything has happened. */
export interface SleepingCall<Returned = unknown> {
  begin(k: Kernel, args: Value[]): Generator<Wait, Returned, void>;
  /** Knows no arguments: in a copied machine a call may end that began in another. */
  result(returned: Returned, k: Kernel): Value;
}

/** A sleeping call among others, whatever the engine's function returns. */
export function sleeping<Returned>(name: string, call: SleepingCall<Returned>): [string, SleepingCall] {
  return [name, call as SleepingCall];
}

/** An integer from 0 on; a left-out argument is 0. */
export function natural(value: Value | undefined): number {
  const n = toNumber(value ?? 0);
  if (n < 0) throw new ValueError(`${n} is negative`);
  return n;
}

/** A size in bytes of something that is to be there. */
export function positive(value: Value | undefined): number {
  const n = natural(value);
  if (n === 0) throw new ValueError('a size of 0');
  return n;
}

/** A kernel address, 0 among them. */
export function addressOf(value: Value | undefined): VirtAddr {
  const address = value ?? 0;
  if (!isInteger(address)) throw new ValueError(`an address is expected, not ${nameOfKind(address)}`);
  return virt(engineAddress(address));
}

/** What a store of an integer to a byte of memory leaves: its low 8 bits. */
export function byteOf(value: Value | undefined): number {
  return Number(BigInt.asUintN(8, BigInt(toInteger(value ?? 0))));
}

export function textOf(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new ValueError(`a name is expected, not ${nameOfKind(value ?? 0)}`);
}
