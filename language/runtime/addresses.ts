/** Kernel addresses of 64-bit machines: sign-extended in the engine, unsigned where a scenario or a person reads them. */
import type { Kernel } from '../../engine/index.ts';
import { page_address, pfn } from '../../engine/index.ts';
import type { Integer } from './values.ts';
import { integer } from './values.ts';

/** An address of the engine as the language shows it. */
export function shownAddress(address: number): Integer {
  return address < 0 ? integer(BigInt.asUintN(64, BigInt(address))) : address;
}

/** An address of the language as the engine takes it. */
export function engineAddress(address: Integer): number {
  return typeof address === 'bigint' ? Number(BigInt.asIntN(64, address)) : address;
}

/** Whether an integer of the language lies where the kernel has its addresses: then people want to see it in hex too. */
export function isKernelAddress(k: Kernel, n: Integer): boolean {
  const end = k.platform.arch === 'i386' ? 2 ** 32 : 2n ** 64n;
  return n >= shownAddress(page_address(k, pfn(0))) && n < end;
}
