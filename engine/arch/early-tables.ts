// Tables that every kernel takes from the boot allocator before the buddy allocator exists: the pid hash (kernel/pid.c), and the dentry and inode
// hashes (mm/page_alloc.c:alloc_large_system_hash, called by fs/). Their sizes follow the memory; the size of a list head is the architecture's.

import type { Kernel } from '../kernel.ts';
import { PAGE_SIZE } from '../include/types.ts';
import { is_highmem } from '../include/mmzone.ts';
import { alloc_bootmem } from '../mm/bootmem.ts';
import { for_each_zone } from '../mm/mmzone.ts';
import { printk } from '../kernel/printk.ts';

/** Eight entries a megabyte of low memory, 16 … 4096, a power of two. */
export function pidhash_init(k: Kernel, sizeof_head: number): void {
  const megabytes = Math.floor((nr_kernel_pages(k) * PAGE_SIZE) / (1 << 20));
  const entries = Math.min(4096, power_of_two(Math.max(16, megabytes * 8)));
  printk(k, `PID hash table entries: ${entries} (order: ${Math.log2(entries)}, ${entries * sizeof_head} bytes)`);
  alloc_bootmem(k, entries * sizeof_head);
}

/** A hash with an entry for every 2^scale bytes of low memory that is present, rounded up to a power of two. */
export function alloc_large_system_hash(k: Kernel, name: string, sizeof_head: number, scale: number): void {
  const megabyte = (1 << 20) / PAGE_SIZE;
  const pages = Math.ceil(nr_kernel_pages(k) / megabyte) * megabyte;
  const entries = power_of_two(Math.floor((pages * PAGE_SIZE) / 2 ** scale));
  const bytes = entries * sizeof_head;
  printk(k, `${name} hash table entries: ${entries} (order: ${Math.max(0, Math.log2(bytes / PAGE_SIZE))}, ${bytes} bytes)`);
  alloc_bootmem(k, bytes);
}

function nr_kernel_pages(k: Kernel): number {
  return for_each_zone(k).filter((zone) => !is_highmem(zone)).reduce((sum, zone) => sum + zone.present_pages, 0);
}

/** The smallest power of two that is not below n. */
function power_of_two(n: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, n)));
}
