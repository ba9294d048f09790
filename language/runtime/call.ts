/** What a call is to the interpreter, and how its arguments are read. Each reader throws ValueError for a value of the wrong kind. */
import type { Kernel, VirtAddr, Wait } from '../../engine/index.ts';
import { charge, virt } from '../../engine/index.ts';
import { engineAddress } from './addresses.ts';
import type { Value } from './values.ts';
import { ValueError, isInteger, nameOfKind, toInteger, toNumber } from './values.ts';

/** A call that never sleeps. Throws ValueError for an argument of the wrong kind. */
export type AtomicCall = (k: Kernel, args: Value[]) => Value;

/** A call that may: what it starts in the engine, and what its end means. `begin` throws ValueError before anything has happened. */
export interface SleepingCall<Returned = unknown> {
  begin(k: Kernel, args: Value[]): Generator<Wait, Returned, void>;
  /** Knows no arguments: in a copied machine a call may end that began in another. Throws ValueError for what a scenario may not ask for. */
  result(returned: Returned, k: Kernel): Value;
}

/** A sleeping call among others, whatever the engine's function returns. */
export function sleeping<Returned>(name: string, call: SleepingCall<Returned>): [string, SleepingCall] {
  return [name, call as SleepingCall];
}

/** A system call that never sleeps. */
export function systemCall(name: string, call: AtomicCall): [string, AtomicCall] {
  return [name, (k, args) => {
    const result = call(k, args);
    charge(k, k.cost.syscall);
    return result;
  }];
}

/** A system call that may: most answer with a number, and a negative one is an errno. */
export function sleepingSystemCall<Returned = number>(
  name: string, begin: SleepingCall<Returned>['begin'], result: SleepingCall<Returned>['result'] = (returned) => returned as Value,
): [string, SleepingCall] {
  const charged: SleepingCall<Returned>['begin'] = (k, args) => {
    const started = begin(k, args);
    charge(k, k.cost.syscall);
    return started;
  };
  return sleeping(name, { begin: charged, result });
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

/**
 * A length, as the kernel reads it: unsigned, so that -1, or an errno that nobody looked at, is a large one. What no register holds stays what it is:
 * it is too large for anything, and a part of it would not be. Past 2^53 it is rounded.
 */
export function lengthOf(k: Kernel, value: Value | undefined): number {
  const n = toInteger(value ?? 0);
  return n >= 0 ? Number(n) : Number(BigInt.asUintN(k.platform.arch === 'i386' ? 32 : 64, BigInt(n)));
}

/** An address that a process uses, as a register holds it: those of i386 have 32 bits. In the engine one of the kernel is negative on x86_64. */
export function registerAddress(k: Kernel, value: Value | undefined): VirtAddr {
  const n = toInteger(value ?? 0);
  if (typeof n === 'number' && n >= 0 && n < 2 ** 32) return virt(n);
  return virt(Number(k.platform.arch === 'i386' ? BigInt.asUintN(32, BigInt(n)) : BigInt.asIntN(64, BigInt(n))));
}

/** An integer as a register holds it, signed. */
export function signedRegister(k: Kernel, value: Value | undefined): number {
  return Number(BigInt.asIntN(k.platform.arch === 'i386' ? 32 : 64, BigInt(toInteger(value ?? 0))));
}

/** A place in a file, or a length of one: loff_t, 64 bits with a sign on both architectures. Past 2^53 it is rounded. */
export function offsetOf(value: Value | undefined): number {
  const n = toInteger(value ?? 0);
  return typeof n === 'number' ? n : Number(BigInt.asIntN(64, n));
}

/** An argument that is an `int`. */
export function intOf(value: Value | undefined): number {
  const n = toInteger(value ?? 0);
  return typeof n === 'number' && Math.abs(n) < 2 ** 31 ? n : Number(BigInt.asIntN(32, BigInt(n)));
}

/** What a store of an integer to a byte of memory leaves: its low 8 bits. */
export function byteOf(value: Value | undefined): number {
  return Number(BigInt.asUintN(8, BigInt(toInteger(value ?? 0))));
}

export function pathOf(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new ValueError(`a file's path is expected, as in \`open("/data")\`, not ${nameOfKind(value ?? 0)}`);
}

export function textOf(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new ValueError(`a name is expected, not ${nameOfKind(value ?? 0)}`);
}
