// What a kernel built with CONFIG_DEBUG_SLAB checks (mm/slab.c; KERNEL.md SL-17): freed memory holds a poison that nobody may change, words before
// and after an object tell whether it is handed out and whether somebody wrote past its end. Everything is in the machine's own memory, so that
// whatever a scenario writes is found. What is wrong goes to the kernel log in the kernel's words; the machine goes on.
//
//   buffer   | red zone 1 | object: 6b 6b 6b … a5 while free, 5a 5a … a5 when handed out | red zone 2 | last user |
//
// The word of the last user holds a pid here (a return address in Linux). Where 2.6.18 stops with BUG() because an object is put back twice, the
// second time is reported and left undone. Left out: CONFIG_DEBUG_PAGEALLOC, SLAB_DEBUG_INITIAL's call of the constructor, stack dumps.

import type { Kernel } from '../kernel.ts';
import type { kmem_cache, slab } from '../include/slab.ts';
import type { VirtAddr } from '../include/types.ts';
import { virt } from '../include/types.ts';
import {
  BUFCTL_END, BUFCTL_FREE, NO_CTOR, POISON_END, POISON_FREE, POISON_INUSE, RED_ACTIVE, RED_INACTIVE, SLAB_POISON, SLAB_RED_ZONE, SLAB_STORE_USER,
} from '../include/slab.ts';
import { fill_phys, read_phys, read_phys32, write_phys, write_phys32 } from './contents.ts';
import { index_to_obj, obj_to_index, show_pointer, virt_addr_valid, virt_to_slab } from './slab_lists.ts';
import { test_page_flag } from './mem_map.ts';
import { PG_slab } from '../include/page-flags.ts';
import { virt_to_page, virt_to_phys } from '../arch/address.ts';
import { BUG } from '../kernel/panic.ts';
import { printk } from '../kernel/printk.ts';
import { trace_slab_corruption } from '../trace/slab.ts';

/** Lines of a corrupted object that are printed, and of its neighbours. */
const MAX_LINES = 6;
const NEIGHBOUR_LINES = 2;
const LINE = 16;

/** "slab error in FUNCTION(): cache `NAME': WHAT". */
export function slab_error(k: Kernel, cachep: kmem_cache, place: string, what: string): void {
  printk(k, `slab error in ${place}(): cache \`${cachep.name}': ${what}`);
}

// ---- what is written --------------------------------------------------------------------------------------------------

/** Fills an object with its poison, the last byte apart. */
export function poison_obj(k: Kernel, cachep: kmem_cache, obj: VirtAddr, byte: number): void {
  const start = virt_to_phys(k, virt(obj + cachep.obj_offset));
  fill_phys(k, start, cachep.obj_size - 1, byte);
  write_phys(k, virt_to_phys(k, virt(obj + cachep.obj_offset + cachep.obj_size - 1)), POISON_END);
}

/** Makes the objects of a new slab: poisoned, or as their constructor leaves them (cache_init_objs; SL-12). */
export function init_obj(k: Kernel, cachep: kmem_cache, obj: VirtAddr): void {
  if ((cachep.flags & SLAB_POISON) !== 0) poison_obj(k, cachep, obj, POISON_FREE);
  if ((cachep.flags & SLAB_STORE_USER) !== 0) write_word(k, dbg_userword(k, cachep, obj), 0);
  set_red_zones(k, cachep, obj, RED_INACTIVE);
  if (cachep.ctor !== NO_CTOR && (cachep.flags & SLAB_POISON) === 0) construct(k, cachep, obj);
}

/** The constructor: fills an object with its byte. */
function construct(k: Kernel, cachep: kmem_cache, obj: VirtAddr): void {
  fill_phys(k, virt_to_phys(k, virt(obj + cachep.obj_offset)), cachep.obj_size, cachep.ctor);
}

function set_red_zones(k: Kernel, cachep: kmem_cache, obj: VirtAddr, word: number): void {
  if ((cachep.flags & SLAB_RED_ZONE) === 0) return;
  write_word(k, dbg_redzone1(k, cachep, obj), word);
  write_word(k, dbg_redzone2(k, cachep, obj), word);
}

function dbg_redzone1(k: Kernel, cachep: kmem_cache, obj: VirtAddr): VirtAddr {
  return virt(obj + cachep.obj_offset - k.slab.sizes.BYTES_PER_WORD);
}

function dbg_redzone2(k: Kernel, cachep: kmem_cache, obj: VirtAddr): VirtAddr {
  const words = (cachep.flags & SLAB_STORE_USER) !== 0 ? 2 : 1;
  return virt(obj + cachep.buffer_size - words * k.slab.sizes.BYTES_PER_WORD);
}

function dbg_userword(k: Kernel, cachep: kmem_cache, obj: VirtAddr): VirtAddr {
  return virt(obj + cachep.buffer_size - k.slab.sizes.BYTES_PER_WORD);
}

/** A word of the machine; its upper half is 0 where words have 8 bytes. */
function write_word(k: Kernel, address: VirtAddr, word: number): void {
  write_phys32(k, virt_to_phys(k, address), word);
  if (k.slab.sizes.BYTES_PER_WORD === 8) write_phys32(k, virt_to_phys(k, virt(address + 4)), 0);
}

/** A word as a number: exact as long as it fits into one. */
function read_word(k: Kernel, address: VirtAddr): number {
  const low = read_phys32(k, virt_to_phys(k, address));
  return k.slab.sizes.BYTES_PER_WORD === 8 ? low + read_phys32(k, virt_to_phys(k, virt(address + 4))) * 2 ** 32 : low;
}

/** A word as %lx prints it, every digit exact. */
function show_word(k: Kernel, address: VirtAddr): string {
  const low = read_phys32(k, virt_to_phys(k, address));
  const high = k.slab.sizes.BYTES_PER_WORD === 8 ? read_phys32(k, virt_to_phys(k, virt(address + 4))) : 0;
  return high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, '0');
}

// ---- checks at each allocation and free -------------------------------------------------------------------------------

/** An object is handed out: nobody may have touched it while it was free. Its address for its user. */
export function cache_alloc_debugcheck_after(k: Kernel, cachep: kmem_cache, obj: VirtAddr): VirtAddr {
  if ((cachep.flags & SLAB_POISON) !== 0) {
    check_poison_obj(k, cachep, obj);
    poison_obj(k, cachep, obj, POISON_INUSE);
  }
  if ((cachep.flags & SLAB_STORE_USER) !== 0) write_word(k, dbg_userword(k, cachep, obj), k.current);
  if ((cachep.flags & SLAB_RED_ZONE) !== 0) {
    const zones = red_zones(k, cachep, obj);
    if (zones.one !== RED_INACTIVE || zones.two !== RED_INACTIVE) {
      slab_error(k, cachep, 'cache_alloc_debugcheck_after', 'double free, or memory outside object was overwritten');
      report_red_zones(k, cachep, obj, RED_INACTIVE);
      printk(k, `${show_pointer(k, obj)}: ${show_red_zones(k, cachep, obj)}`);
    }
    set_red_zones(k, cachep, obj, RED_ACTIVE);
  }
  if (cachep.ctor !== NO_CTOR && (cachep.flags & SLAB_POISON) !== 0) construct(k, cachep, obj);
  return virt(obj + cachep.obj_offset);
}

/** An object comes back: its red zones must be whole. The address of its buffer. */
export function cache_free_debugcheck(k: Kernel, cachep: kmem_cache, user: VirtAddr): VirtAddr {
  const obj = virt(user - cachep.obj_offset);
  kfree_debugcheck(k, obj);
  const slabp = virt_to_slab(k, obj);
  if ((cachep.flags & SLAB_RED_ZONE) !== 0) {
    verify_redzone_free(k, cachep, obj);
    set_red_zones(k, cachep, obj, RED_INACTIVE);
  }
  if ((cachep.flags & SLAB_STORE_USER) !== 0) write_word(k, dbg_userword(k, cachep, obj), k.current);
  const n = obj_to_index(cachep, slabp, obj);
  if (n >= cachep.num || obj !== index_to_obj(cachep, slabp, n)) BUG(k, `mm/slab.c:cache_free_debugcheck: ${show_pointer(k, user)} is not where an object begins`);
  if ((cachep.flags & SLAB_POISON) !== 0) poison_obj(k, cachep, obj, POISON_FREE);
  return obj;
}

/** An address that is freed must lie in a slab. */
export function kfree_debugcheck(k: Kernel, obj: VirtAddr): void {
  const why = !virt_addr_valid(k, obj) ? 'out of range ptr' : !test_page_flag(k, virt_to_page(k, obj), PG_slab) ? 'bad ptr' : null;
  if (why === null) return;
  const unpadded = show_pointer(k, obj).replace(/^0+(?=.)/, '');
  printk(k, `kfree_debugcheck: ${why} ${unpadded}h.`);
  BUG(k, `mm/slab.c:kfree_debugcheck: ${why}`);
}

function verify_redzone_free(k: Kernel, cachep: kmem_cache, obj: VirtAddr): void {
  const { one, two } = red_zones(k, cachep, obj);
  if (one === RED_ACTIVE && two === RED_ACTIVE) return;
  const twice = one === RED_INACTIVE && two === RED_INACTIVE;
  slab_error(k, cachep, 'verify_redzone_free', twice ? 'double free detected' : 'memory outside object was overwritten');
  report_red_zones(k, cachep, obj, RED_ACTIVE);
  printk(k, `${show_pointer(k, obj)}: ${show_red_zones(k, cachep, obj)}.`);
}

function red_zones(k: Kernel, cachep: kmem_cache, obj: VirtAddr): { one: number; two: number } {
  return { one: read_word(k, dbg_redzone1(k, cachep, obj)), two: read_word(k, dbg_redzone2(k, cachep, obj)) };
}

function show_red_zones(k: Kernel, cachep: kmem_cache, obj: VirtAddr): string {
  return `redzone 1:0x${show_word(k, dbg_redzone1(k, cachep, obj))}, redzone 2:0x${show_word(k, dbg_redzone2(k, cachep, obj))}`;
}

/** A tracepoint for each red zone that is not as expected. */
function report_red_zones(k: Kernel, cachep: kmem_cache, obj: VirtAddr, expected: number): void {
  const user = virt(obj + cachep.obj_offset);
  for (const at of [dbg_redzone1(k, cachep, obj), dbg_redzone2(k, cachep, obj)]) {
    const found = read_word(k, at);
    if (found !== expected) trace_slab_corruption(k, cachep.id, user, at - user, expected, found);
  }
}

/** The objects of a slab that is destroyed must be as they were freed (slab_destroy_objs). */
export function slab_destroy_objs(k: Kernel, cachep: kmem_cache, slabp: slab): void {
  for (let n = 0; n < cachep.num; n++) {
    const obj = index_to_obj(cachep, slabp, n);
    if ((cachep.flags & SLAB_POISON) !== 0) check_poison_obj(k, cachep, obj);
    if ((cachep.flags & SLAB_RED_ZONE) === 0) continue;
    const { one, two } = red_zones(k, cachep, obj);
    if (one !== RED_INACTIVE) slab_error(k, cachep, 'slab_destroy_objs', 'start of a freed object was overwritten');
    if (two !== RED_INACTIVE) slab_error(k, cachep, 'slab_destroy_objs', 'end of a freed object was overwritten');
    report_red_zones(k, cachep, obj, RED_INACTIVE);
  }
}

/** Whether an object may be put back into its slab: one that is there already is reported (slab_put_obj). */
export function check_put_obj(k: Kernel, cachep: kmem_cache, slabp: slab, n: number): boolean {
  if (slabp.bufctl[n] === BUFCTL_FREE) return true;
  printk(k, `slab: double free detected in cache '${cachep.name}', objp ${show_pointer(k, index_to_obj(cachep, slabp, n))}`);
  return false;
}

/** The chain of free objects must be as long as the slab says (check_slabp). */
export function check_slabp(k: Kernel, cachep: kmem_cache, slabp: slab): void {
  let entries = 0;
  for (let n = slabp.free; n !== BUFCTL_END && entries <= cachep.num && n < cachep.num; n = slabp.bufctl[n]!) entries++;
  if (entries === cachep.num - slabp.inuse) return;
  printk(k, `slab: Internal list corruption detected in cache '${cachep.name}'(${cachep.num}), slabp ${show_pointer(k, slabp.address)}(${slabp.inuse}).`);
  BUG(k, 'mm/slab.c:check_slabp: the chain of free objects is broken');
}

// ---- poison -----------------------------------------------------------------------------------------------------------

/** Compares a free object with its poison and prints what differs, line by line (SL-17). */
export function check_poison_obj(k: Kernel, cachep: kmem_cache, obj: VirtAddr): void {
  const start = virt(obj + cachep.obj_offset);
  const size = cachep.obj_size;
  let lines = 0;
  for (let i = 0; i < size && lines < MAX_LINES; i++) {
    const expected = i === size - 1 ? POISON_END : POISON_FREE;
    const found = read_phys(k, virt_to_phys(k, virt(start + i)));
    if (found === expected) continue;
    if (lines === 0) {
      printk(k, `Slab corruption: start=${show_pointer(k, start)}, len=${size}`);
      print_objinfo(k, cachep, obj, 0);
    }
    trace_slab_corruption(k, cachep.id, start, i, expected, found);
    i = Math.floor(i / LINE) * LINE;
    dump_line(k, start, i, size);
    i += LINE;
    lines++;
  }
  if (lines > 0) print_neighbours(k, cachep, obj);
}

function print_neighbours(k: Kernel, cachep: kmem_cache, obj: VirtAddr): void {
  const slabp = virt_to_slab(k, obj);
  const n = obj_to_index(cachep, slabp, obj);
  if (n > 0) print_neighbour(k, cachep, 'Prev', index_to_obj(cachep, slabp, n - 1));
  if (n + 1 < cachep.num) print_neighbour(k, cachep, 'Next', index_to_obj(cachep, slabp, n + 1));
}

function print_neighbour(k: Kernel, cachep: kmem_cache, which: string, obj: VirtAddr): void {
  printk(k, `${which} obj: start=${show_pointer(k, obj + cachep.obj_offset)}, len=${cachep.obj_size}`);
  print_objinfo(k, cachep, obj, NEIGHBOUR_LINES);
}

/** Red zones, last user and the first lines of an object. */
function print_objinfo(k: Kernel, cachep: kmem_cache, obj: VirtAddr, lines: number): void {
  if ((cachep.flags & SLAB_RED_ZONE) !== 0) {
    printk(k, `Redzone: 0x${show_word(k, dbg_redzone1(k, cachep, obj))}/0x${show_word(k, dbg_redzone2(k, cachep, obj))}.`);
  }
  if ((cachep.flags & SLAB_STORE_USER) !== 0) {
    const pid = read_word(k, dbg_userword(k, cachep, obj));
    printk(k, `Last user: [<${show_pointer(k, pid)}>](${k.tasks[pid]?.name ?? '0x0'})`);
  }
  for (let i = 0; i < Math.min(cachep.obj_size, lines * LINE); i += LINE) dump_line(k, virt(obj + cachep.obj_offset), i, cachep.obj_size);
}

function dump_line(k: Kernel, start: VirtAddr, offset: number, size: number): void {
  let line = `${offset.toString(16).padStart(3, '0')}:`;
  for (let i = offset; i < Math.min(offset + LINE, size); i++) line += ` ${read_phys(k, virt_to_phys(k, virt(start + i))).toString(16).padStart(2, '0')}`;
  printk(k, line);
}

