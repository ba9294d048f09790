/** Kernel addresses of 64-bit machines: sign-extended in the engine, unsigned where a scenario or a person reads them. */
import type { Kernel } from '../../engine/index.ts';
import { current_mm, mm_vmas, page_address, pfn } from '../../engine/index.ts';
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

/** Whether an integer may well be an address, which people want to see in hex too: where the kernel has its own, or mapped by the running process. */
export function isAddress(k: Kernel, n: Integer): boolean {
  return isKernelAddress(k, n) || isMapped(k, n);
}

function isMapped(k: Kernel, n: Integer): boolean {
  const mm = current_mm(k);
  return mm !== null && mm_vmas(k, mm).some(({ vm_start, vm_end }) => vm_start <= n && n < vm_end);
}

/** Whether it lies in the kernel's part of the addresses, from its map of low memory on. */
export function isKernelAddress(k: Kernel, n: Integer): boolean {
  const end = k.platform.arch === 'i386' ? 2 ** 32 : 2n ** 64n;
  return n >= shownAddress(page_address(k, pfn(0))) && n < end;
}
