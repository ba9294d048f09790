// Kernel memory that is contiguous in addresses only, its page tables, and bytes at any kernel address (KERNEL.md VM-1 … VM-4, IV-14, M-5, M-6, PR-3,
// PR-10).

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Kernel } from '../../engine/kernel.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Pfn, VirtAddr } from '../../engine/include/types.ts';
import type { RunEnd } from '../../engine/machine.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import { GFP_ATOMIC, GFP_DMA, GFP_HIGHUSER, GFP_KERNEL, __GFP_HIGHMEM, __GFP_NOWARN } from '../../engine/include/gfp.ts';
import { NO_PAGE, PAGE_SIZE, pfn, phys, virt } from '../../engine/include/types.ts';
import { VM_ALLOC, VM_IOREMAP, VM_MAP, VM_USERMAP, VM_VPAGES } from '../../engine/include/vmalloc.ts';
import {
  PAGE_KERNEL, PAGE_KERNEL_RO, pgd_offset_k, entry_flags, pte_offset_kernel, entry_pfn, vmalloc_to_page,
} from '../../engine/arch/pgtable.ts';
import { page_address, vmalloc_space } from '../../engine/arch/address.ts';
import { fill_frame, read_phys32 } from '../../engine/mm/contents.ts';
import { __free_pages, alloc_pages, nr_free_pages } from '../../engine/mm/page_alloc.ts';
import {
  __vmalloc, find_vm_area, get_vm_area, get_vmalloc_info, remove_vm_area, vfree, vmalloc, vmalloc_32, vmalloc_user, vmap, vunmap,
} from '../../engine/mm/vmalloc.ts';
import { kernel_virt_to_phys, load_byte, load_bytes, store_byte, store_bytes } from '../../engine/mm/kernel_memory.ts';
import { kfree } from '../../engine/mm/kmalloc.ts';
import { page_count_raw, page_zonenum } from '../../engine/mm/mem_map.ts';
import { check_machine } from '../../engine/mm/check.ts';
import { proc_meminfo } from '../../engine/fs/proc/files.ts';
import { proc_vmallocinfo } from '../../engine/fs/proc/vmallocinfo.ts';
import { run_machine } from '../../engine/machine.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { machineWith } from './tasks.ts';
import { MiB } from './notation.ts';

type Steps = Generator<Wait, void, void>;

/** Runs one task on a machine of its own and checks every law after it. */
function run(body: (k: Kernel) => Steps, config: Partial<MachineConfig> = {}): { k: Kernel; end: RunEnd } {
  const machine = machineWith([{ name: 'driver', run: body }], { memory: 64 * MiB, ...config });
  const end = run_machine(machine);
  assert.deepEqual(check_machine(machine.k), []);
  return { k: machine.k, end };
}

const hex = (n: number): string => n.toString(16);
const logged = (k: Kernel, pattern: RegExp): string[] => k.log.lines.map((line) => line.text).filter((text) => pattern.test(text));

describe('the kernel\'s page tables', () => {
  it('M-2 T-1: the direct map stands in swapper_pg_dir as pages of 4 MiB', () => {
    const { k } = machineWith([], { memory: 64 * MiB });
    assert.equal(hex(k.init_mm.pgd), '252000');
    const entry = (address: number): string => hex(read_phys32(k, pgd_offset_k(k, virt(address))));
    assert.deepEqual([0xc0000000, 0xc0400000, 0xc3c00000, 0xc4000000, 0xc4800000, 0].map(entry), ['1e3', '4001e3', '3c001e3', '0', '0', '0']);
  });

  it('M-6: the fixed mappings and the kmap window have a table each from the boot', () => {
    const { k } = machineWith([], { memory: 64 * MiB });
    for (const address of [0xff800000, 0xffc00000]) {
      const entry = pgd_offset_k(k, virt(address));
      assert.equal(entry_flags(k, entry), 0x067);
      assert.ok(entry_pfn(k, entry) < 4096);
      assert.equal(vmalloc_to_page(k, virt(address)), NO_PAGE);
    }
  });

  it('VM-2: the table for an address comes with the first area there, and stays', () => {
    run(function* (k) {
      const at = virt(vmalloc_space(k).start);
      assert.equal(pte_offset_kernel(k, at), null);
      const addr = yield* vmalloc(k, 1);
      assert.equal(addr, at);
      const pte = pte_offset_kernel(k, at)!;
      assert.deepEqual([entry_flags(k, pte), hex(PAGE_KERNEL)], [PAGE_KERNEL, '163']);
      assert.equal(page_count_raw(k, pfn(entry_pfn(k, pgd_offset_k(k, at)))), 1);
      vfree(k, addr);
      assert.notEqual(pte_offset_kernel(k, at), null);
    });
  });
});

describe('vmalloc', () => {
  it('VM-1 M-5: areas stand first fit from VMALLOC_START, each with a guard page', () => {
    run(function* (k) {
      assert.equal(hex(vmalloc_space(k).start), 'c4800000');
      const a = yield* vmalloc(k, 1);
      const b = yield* vmalloc(k, 3 * PAGE_SIZE);
      const c = yield* vmalloc(k, PAGE_SIZE + 1);
      assert.deepEqual([a, b, c].map(hex), ['c4800000', 'c4802000', 'c4806000']);
      vfree(k, b);
      const d = yield* vmalloc(k, 4 * PAGE_SIZE);
      const e = yield* vmalloc(k, 3 * PAGE_SIZE);
      assert.deepEqual([d, e].map(hex), ['c4809000', 'c4802000']);
      assert.deepEqual(k.vmlist.map(({ addr, size }) => `${hex(addr)}+${size / PAGE_SIZE}`), ['c4800000+2', 'c4802000+4', 'c4806000+3', 'c4809000+5']);
      assert.deepEqual(check_machine(k), []);
    });
  });

  it('VM-1: nothing, and more pages than the machine has, get address 0', () => {
    run(function* (k) {
      const none = yield* vmalloc(k, 0);
      const all = yield* vmalloc(k, 64 * MiB + 1);
      assert.deepEqual([none, all, k.vmlist.length], [0, 0, 0]);
    });
  });

  it('VM-1: without a gap that is large enough the log says so', () => {
    const { k } = run(function* (kernel) {
      const { start, end } = vmalloc_space(kernel);
      const area = yield* get_vm_area(kernel, end - start - 3 * PAGE_SIZE, VM_MAP);
      const last = yield* vmalloc(kernel, PAGE_SIZE);
      const none = yield* vmalloc(kernel, PAGE_SIZE);
      assert.deepEqual([area!.addr, last, none], [start, end - 2 * PAGE_SIZE, 0]);
    });
    assert.deepEqual(logged(k, /vmalloc/), ['allocation failed: out of vmalloc space - use vmalloc=<size> to increase size.']);
  });

  it('VM-1: more than the whole space is refused even when there is no area yet', () => {
    const { k } = run(function* (kernel) {
      const addr = yield* vmalloc(kernel, 200 * MiB);
      assert.equal(addr, 0);
    }, { memory: 1024 * MiB });
    assert.equal(logged(k, /out of vmalloc space/).length, 1);
  });

  it('VM-1: an ioremap area is aligned to a power of two above its size', () => {
    run(function* (k) {
      yield* vmalloc(k, PAGE_SIZE);
      const small = yield* get_vm_area(k, PAGE_SIZE, VM_IOREMAP);
      const large = yield* get_vm_area(k, 3 * MiB, VM_IOREMAP);
      assert.deepEqual([small, large].map((area) => hex(area!.addr)), ['c4802000', 'c4c00000']);
    });
  });

  it('VM-2: pages come one by one, from high memory first; vmalloc_32 takes none of it', () => {
    run(function* (k) {
      const high = yield* vmalloc(k, 4 * PAGE_SIZE);
      const low = yield* vmalloc_32(k, 4 * PAGE_SIZE);
      const dma = yield* __vmalloc(k, 2 * PAGE_SIZE, GFP_KERNEL | GFP_DMA, PAGE_KERNEL);
      const zones = (addr: VirtAddr): number[] => find_vm_area(k, addr)!.pages.map((page) => page_zonenum(k, page));
      assert.deepEqual([zones(high), zones(low), zones(dma)], [[3, 3, 3, 3], [2, 2, 2, 2], [0, 0]]);
    }, { memory: 1024 * MiB });
  });

  it('VM-2: vmalloc_user is zeroed and marked', () => {
    run(function* (k) {
      const page = yield* alloc_pages(k, GFP_KERNEL, 0);
      fill_frame(k, page, 0x5a);
      __free_pages(k, page, 0);
      const addr = yield* vmalloc_user(k, PAGE_SIZE);
      const { pages, flags } = find_vm_area(k, addr)!;
      assert.deepEqual([pages, load_byte(k, virt(addr + 77)), flags], [[page], 0, VM_ALLOC | VM_USERMAP]);
    });
  });

  it('VM-2 VM-4: a page array of more than a page is an area itself', () => {
    run(function* (k) {
      const before = nr_free_pages(k);
      const small = yield* vmalloc(k, 1024 * PAGE_SIZE);
      assert.equal(find_vm_area(k, small)!.flags, VM_ALLOC);
      const large = yield* vmalloc(k, 1025 * PAGE_SIZE);
      const area = find_vm_area(k, large)!;
      assert.equal(area.flags, VM_ALLOC | VM_VPAGES);
      assert.equal(find_vm_area(k, area.pages_addr)!.pages.length, 2);
      vfree(k, large);
      vfree(k, small);
      assert.equal(k.vmlist.length, 0);
      assert.ok(nr_free_pages(k) > before - 20);
    });
  });

  it('VM-2: where the pages do not suffice, all that exists is freed', () => {
    const { k } = run(function* (kernel) {
      const before = nr_free_pages(kernel);
      const addr = yield* __vmalloc(kernel, 15 * MiB, GFP_KERNEL | __GFP_HIGHMEM | __GFP_NOWARN, PAGE_KERNEL);
      assert.deepEqual([addr, kernel.vmlist.length], [0, 0]);
      assert.ok(nr_free_pages(kernel) > before - 40);
    }, { memory: 16 * MiB });
    assert.deepEqual(logged(k, /vfree/), []);
  });

  it('VM-3: vfree reports what is no area, in the kernel\'s words, and frees nothing twice', () => {
    const { k } = run(function* (kernel) {
      const addr = yield* vmalloc(kernel, 2 * PAGE_SIZE);
      vfree(kernel, virt(0));
      vfree(kernel, virt(addr + 1));
      vfree(kernel, virt(addr + PAGE_SIZE));
      vfree(kernel, addr);
      vfree(kernel, addr);
    });
    assert.deepEqual(logged(k, /vfree/), [
      'Trying to vfree() bad address (c4800001)', 'Trying to vfree() nonexistent vm area (c4801000)', 'Trying to vfree() nonexistent vm area (c4800000)',
    ]);
  });

  it('VM-3: vmap shows frames in the order given; vunmap leaves them; a read-only map takes no writes', () => {
    const { end } = run(function* (k) {
      const pages: Pfn[] = [];
      for (let i = 0; i < 3; i++) {
        const page = yield* alloc_pages(k, GFP_HIGHUSER, 0);
        pages.push(page);
        fill_frame(k, page, 0x10 + i);
      }
      const addr = yield* vmap(k, [pages[2]!, pages[0]!, pages[1]!], VM_MAP, PAGE_KERNEL);
      assert.deepEqual([0, 1, 2].map((i) => load_byte(k, virt(addr + i * PAGE_SIZE))), [0x12, 0x10, 0x11]);
      store_byte(k, virt(addr + 5), 0x99);
      vunmap(k, addr);
      assert.deepEqual(pages.map((page) => page_count_raw(k, page)), [1, 1, 1]);
      const again = yield* vmap(k, [pages[2]!], VM_MAP, PAGE_KERNEL_RO);
      assert.equal(load_byte(k, virt(again + 5)), 0x99);
      store_byte(k, again, 1);
    });
    assert.deepEqual(end, { reason: 'bug', message: 'Unable to handle kernel paging request at virtual address c4800000', waiting: [] });
  });

  it('vmalloc_alloc and vmalloc_free say each area, with its guard page', () => {
    const { k } = run(function* (kernel) {
      set_tracing(kernel, 1);
      const addr = yield* vmalloc(kernel, 1);
      vfree(kernel, addr);
    });
    const events = trace_records(k).filter(({ name }) => name.startsWith('vmalloc_')).map(({ name, args }) => `${name} ${hex(args['addr']!)} ${args['size']}`);
    assert.deepEqual(events, ['vmalloc_alloc c4800000 8192', 'vmalloc_free c4800000 8192']);
  });

  it('PR-3 PR-10: meminfo and vmallocinfo', () => {
    run(function* (k) {
      const total = get_vmalloc_info(k).total / 1024;
      assert.match(proc_meminfo(k), new RegExp(`^VmallocTotal: +${total} kB\\nVmallocUsed: +0 kB\\nVmallocChunk: +${total} kB$`, 'm'));
      const a = yield* vmalloc(k, PAGE_SIZE);
      yield* vmalloc(k, PAGE_SIZE);
      vfree(k, a);
      assert.match(proc_meminfo(k), new RegExp(`^VmallocUsed: +8 kB\\nVmallocChunk: +${total - 16} kB$`, 'm'));
      assert.equal(proc_vmallocinfo(k), '# 2.6.18 has no /proc/vmallocinfo: this is the form of 2.6.28 and later\n0xc4802000-0xc4804000    8192 pages=1 vmalloc\n');
    });
  });

  it('IV-14: the state lint sees areas that overlap and entries that are wrong', () => {
    const machine = machineWith([{
      name: 'driver',
      *run(k) {
        yield* vmalloc(k, PAGE_SIZE);
        yield* vmalloc(k, PAGE_SIZE);
      },
    }], { memory: 64 * MiB });
    run_machine(machine);
    machine.k.vmlist[0]!.size += PAGE_SIZE;
    assert.deepEqual(check_machine(machine.k), [
      'IV-14: vm area c4800000: its guard page is mapped', 'IV-14: vm area c4800000: has 1 pages, its size says 2', 'IV-14: vm area c4800000: page 1 is not mapped',
      'IV-14: vm area c4802000: begins before c4803000, where the one before it ends',
    ]);
  });
});

describe('bytes at kernel addresses', () => {
  it('M-2: the direct map and vmalloc space are two ways to the same bytes', () => {
    run(function* (k) {
      const addr = yield* vmalloc_32(k, 3 * PAGE_SIZE);
      store_bytes(k, virt(addr + PAGE_SIZE - 2), [1, 2, 3, 4]);
      const { pages } = find_vm_area(k, addr)!;
      const direct = (page: number, offset: number): number => load_byte(k, virt(page_address(k, pfn(page)) + offset));
      assert.deepEqual([direct(pages[0]!, 4094), direct(pages[0]!, 4095), direct(pages[1]!, 0), direct(pages[1]!, 1)], [1, 2, 3, 4]);
      store_byte(k, page_address(k, pages[2]!), 0xee);
      assert.deepEqual([...load_bytes(k, virt(addr + 2 * PAGE_SIZE), 2)], [0xee, 0]);
      assert.equal(kernel_virt_to_phys(k, virt(addr + 2 * PAGE_SIZE + 9)), pages[2]! * PAGE_SIZE + 9);
    });
  });

  it('no byte is lost, however much is written', () => {
    run(function* (k) {
      const addr = yield* vmalloc(k, 300 * PAGE_SIZE);
      for (let i = 0; i < 300; i++) store_byte(k, virt(addr + i * PAGE_SIZE + i), 1 + (i & 0x7f));
      for (let i = 0; i < 300; i++) assert.equal(load_byte(k, virt(addr + i * PAGE_SIZE + i)), 1 + (i & 0x7f));
    });
  });

  const holes: readonly [string, (k: Kernel) => Generator<Wait, number, void>, RegExp][] = [
    ['a guard page', function* (k) { const addr = yield* vmalloc(k, 1); return addr + PAGE_SIZE; }, /paging request at virtual address c4801000$/],
    ['a freed area', function* (k) { const addr = yield* vmalloc(k, 1); vfree(k, addr); return addr; }, /paging request at virtual address c4800000$/],
    ['the hole behind the direct map', function* () { return 0xc4000000; }, /paging request at virtual address c4000000$/],
    ['user space', function* () { return 0x08048000; }, /paging request at virtual address 08048000$/],
    ['address 0', function* () { return 0; }, /NULL pointer dereference at virtual address 00000000$/],
    ['an unused slot of the kmap window', function* () { return 0xff800000; }, /paging request at virtual address ff800000$/],
  ];
  for (const [what, address, message] of holes) {
    it(`an oops on ${what}`, () => {
      const { k, end } = run(function* (kernel) {
        const at = yield* address(kernel);
        load_byte(kernel, virt(at));
      });
      assert.match(end.message, message);
      assert.equal(end.reason, 'bug');
      assert.equal(logged(k, /^Unable to handle kernel/).length, 1);
    });
  }

  it('X-3 X-31: x86_64 has the same over four levels', () => {
    const { end } = run(function* (k) {
      assert.equal(pte_offset_kernel(k, virt(-0x3e0000000000)), null);
      const addr = yield* vmalloc(k, 2 * PAGE_SIZE);
      assert.deepEqual([addr, k.vmlist[0]!.pages.length], [-0x3e0000000000, 2]);
      store_byte(k, virt(addr + PAGE_SIZE), 0x77);
      assert.equal(load_byte(k, virt(page_address(k, k.vmlist[0]!.pages[1]!))), 0x77);
      const pte = pte_offset_kernel(k, addr)!;
      assert.deepEqual([entry_flags(k, pte), read_phys32(k, phys(pte + 4)) >>> 31], [PAGE_KERNEL, 1]);
      load_byte(k, virt(addr + 2 * PAGE_SIZE));
    }, { arch: 'x86_64', memory: 256 * MiB });
    assert.equal(end.message, 'Unable to handle kernel paging request at ffffc20000002000 RIP: ');
  });
});

describe('whatever is mapped and freed', () => {
  const step = fc.record({ kind: fc.constantFrom('vmalloc', 'vmalloc', 'vfree', 'vmap', 'reserve'), pages: fc.integer({ min: 1, max: 9 }), which: fc.nat() });
  interface Held { addr: VirtAddr; bytes: number[]; kind: string; pages: Pfn[] }

  function* take(k: Kernel, held: Held[], kind: string, count: number, mark: number): Generator<Wait, void, void> {
    const pages: Pfn[] = [];
    let addr = virt(0);
    if (kind === 'vmalloc') addr = yield* __vmalloc(k, count * PAGE_SIZE, GFP_ATOMIC | __GFP_HIGHMEM | __GFP_NOWARN, PAGE_KERNEL);
    else if (kind === 'vmap') {
      for (let i = 0; i < count; i++) {
        const page = yield* alloc_pages(k, GFP_ATOMIC | __GFP_NOWARN, 0);
        if (page !== NO_PAGE) pages.push(page);
      }
      addr = yield* vmap(k, pages, VM_MAP, PAGE_KERNEL);
    } else {
      const area = yield* get_vm_area(k, count * PAGE_SIZE, VM_IOREMAP);
      if (area !== null) held.push({ addr: area.addr, bytes: [], kind, pages });
    }
    if (addr === 0) return;
    const bytes = Array.from({ length: count }, (_, i) => (mark * 31 + i) & 0xff);
    for (const [i, byte] of bytes.entries()) store_byte(k, virt(addr + i * PAGE_SIZE + (mark % PAGE_SIZE)), byte);
    held.push({ addr, bytes, kind, pages });
  }

  function give(k: Kernel, { addr, kind, pages }: Held): void {
    if (kind === 'vmalloc') vfree(k, addr);
    else if (kind === 'vmap') vunmap(k, addr);
    else kfree(k, remove_vm_area(k, addr)!.self_addr);
    for (const page of pages) __free_pages(k, page, 0);
  }

  for (const memory of [16, 1024]) {
    it(`IV-14: areas never overlap, contents read back, everything comes back: ${memory} MiB`, () => {
      const fresh = machineWith([], { memory: memory * MiB }).k;
      fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const k = structuredClone(fresh);
        const held: (Held & { mark: number })[] = [];
        const drive = (generator: Generator<Wait, void, void>): void => { assert.equal(generator.next().done, true); };
        for (const [mark, { kind, pages, which }] of steps.entries()) {
          const before = held.length;
          if (kind !== 'vfree') drive(take(k, held, kind, pages, mark));
          else if (held.length > 0) give(k, held.splice(which % held.length, 1)[0]!);
          if (held.length > before) held.at(-1)!.mark = mark;
          for (const area of held) {
            area.bytes.forEach((byte, i) => assert.equal(load_byte(k, virt(area.addr + i * PAGE_SIZE + (area.mark % PAGE_SIZE))), byte));
          }
        }
        assert.deepEqual(check_machine(k), []);
        assert.equal(k.vmlist.length, held.length);
        for (const area of held) give(k, area);
        assert.deepEqual([k.vmlist, check_machine(k)], [[], []]);
      }), { numRuns: memory === 16 ? 40 : 5, seed: 20060921 });
    });
  }
});
