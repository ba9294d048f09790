// What a kernel thread may call of the allocators above pages, through the language (KERNEL.md SL-2, SL-3, SL-16, VM-1 … VM-3, VM-6, MP-1 … MP-3,
// chapter 19).
import assert from 'node:assert/strict';
import { log_lines } from '../../engine/index.ts';
import { complaint, printed, run } from './running.ts';

/** What a run says that ends in a BUG or an oops: its message. */
function oops(body: string): string {
  const { end } = run(`kernel driver {\n${body}\n}`);
  return `${end.reason}: ${end.message}`;
}

describe('kmalloc and kfree', () => {
  it('round up to a general cache, and give the object back (SL-2)', () => {
    assert.equal(printed(`
      let a = kmalloc(100)
      let b = kmalloc(size: 128, gfp: GFP_ATOMIC)
      print(a >= 0xC0000000, b == a, page_of(a).flag("PG_slab"), len(caches["size-128"].array))
      kfree(a)  kfree(b)  kfree(0)
      print(kmalloc(128) == b, kmalloc(131073), kmalloc(131072) != 0)
      let d = kmalloc(64, GFP_KERNEL | GFP_DMA)
      print(page_of(d).zone == zones.DMA)`), 'true false true 1\ntrue 0 true\ntrue');
  });

  it('hold what is stored: an object keeps its old bytes, kzalloc clears them', () => {
    assert.equal(printed(`
      let a = kmalloc(32)
      for i in 0 .. 32 { store(a + i, 0x1A0 + i) }
      print(load(a), load(a + 31))
      kfree(a)
      let b = kmalloc(32)
      print(b == a, load(b))
      kfree(b)
      let z = kzalloc(30)
      print(z == a, load(z), load(z + 29), load(z + 30))`), '160 191\ntrue 160\ntrue 0 0 190');
  });

  it('are an oops or a BUG where the kernel has one', () => {
    assert.equal(oops('kfree(0xC0100000)'), 'bug: kernel BUG at mm/slab.c:page_get_cache: c0100000 is in no slab');
    assert.equal(oops('store(0, 1)'), 'bug: Unable to handle kernel NULL pointer dereference at virtual address 00000000');
    assert.equal(oops('print(load(0xF8000000))'), 'bug: Unable to handle kernel paging request at virtual address f8000000');
  });
});

describe('a slab cache of the scenario\'s own', () => {
  it('is made, used, refused its end while objects are in use, and ended (SL-3, SL-16)', () => {
    assert.equal(printed(`
      let c = kmem_cache_create("mine", 100, 0, SLAB_HWCACHE_ALIGN)
      print(c, c == caches["mine"], c.object_size, c.num_slabs, c.align)
      let o = kmem_cache_alloc(c, GFP_KERNEL)
      print(c.num_slabs, c.num_objs == c.objs_per_slab, c.active_objs, c.array[0].avail)
      print(kmem_cache_destroy(c), c.active_objs, c.slabs[0].inuse)
      kmem_cache_free(c, o)
      print(c.array[0].entry[0].address == o, c.array[0].entry[0].state)
      print(kmem_cache_shrink(c), c.num_slabs, kmem_cache_destroy(c), c)
      print(kmem_cache_create("size-32", 32))`), [
      'caches["mine"] true 128 0 32', '1 true 16 15', '1 1 1', 'true free, kept by CPU 0', '0 0 0 a cache that was destroyed', '0',
    ].join('\n'));
  });

  it('has a BUG for a size that cannot be (SL-3)', () => {
    assert.match(oops('kmem_cache_create("large", 128KiB + 1)'), /^bug: kernel BUG at mm\/slab\.c:kmem_cache_create: /);
  });

  const mistakes: [string, string][] = [
    ['kmem_cache_alloc(5, GFP_KERNEL)', 'test.pagewalk:3:1: A cache is expected, not an integer.'],
    ['kmem_cache_free(0, 0)', 'test.pagewalk:3:1: A cache is expected, not 0 (a failed kmem_cache_create).'],
    ['kmem_cache_create(5, 5)', 'test.pagewalk:3:1: A name is expected, not an integer.'],
    ['kmalloc(-1)', 'test.pagewalk:3:1: -1 is negative.'],
    ['let c = kmem_cache_create("c", 8) kmem_cache_destroy(c) kmem_cache_shrink(c)', 'test.pagewalk:3:57: This cache is gone: it was destroyed.'],
    ['let c = kmem_cache_create("c", 8) kmem_cache_destroy(c) print(c.num_slabs)', 'test.pagewalk:3:63: A cache that was destroyed has no members.'],
    ['kfree(page(5))', 'test.pagewalk:3:1: An address is expected, not a page.'],
    ['vmap(7)', 'test.pagewalk:3:1: A list of pages is expected, not an integer.'],
    ['vmap([0])', 'test.pagewalk:3:1: A page is expected, not 0 (a failed allocation).'],
    ['kmap(0)', 'test.pagewalk:3:1: A page is expected, not 0 (a failed allocation).'],
    ['mempool_alloc(caches["size-32"], GFP_KERNEL)', 'test.pagewalk:3:1: A pool is expected, not a cache.'],
    ['let p = mempool_create_kmalloc_pool(1, 8) mempool_free(0, p)', 'test.pagewalk:3:43: An element is expected, not 0 (a failed allocation).'],
    ['sysctl("pagewalk.slab_debug", 1)', 'test.pagewalk:3:1: Sysctl pagewalk.slab_debug says how the kernel is built: set it in the machine\'s description.'],
    ['let name = "vm.swappiness" sysctl(name)', 'test.pagewalk:3:28: `sysctl vm.swappiness` is not modelled yet: this version has processes, files and disks, but no swap and no reclaim.'],
  ];
  for (const [body, message] of mistakes) it(`is told apart from what it is not: ${body}`, () => assert.equal(complaint(`kernel driver {\n${body}\n}`), message));
});

describe('vmalloc and vmap', () => {
  it('map single pages side by side, with a guard page behind (VM-1, VM-2, VM-3)', () => {
    assert.equal(printed(`
      let a = vmalloc(20KiB)
      let b = vmalloc(1)
      print(b - a, len(vmlist), vmlist[0].addr == a, vmlist[0].nr_pages, vmlist[0].size, vmlist[1].size)
      store(a + 20KiB - 1, 9)
      print(load(a + 20KiB - 1), load(a))
      vfree(a)
      print(len(vmlist), vmalloc(4KiB) == a)
      print(vmalloc(0), vmalloc(1GiB), meminfo.VmallocUsed)`), '24576 2 true 5 24576 8192\n9 0\n1 true\n0 0 16');
    assert.equal(oops('let a = vmalloc(4KiB) store(a + 4KiB, 1)'), 'bug: Unable to handle kernel paging request at virtual address c4801000');
  });

  it('show a page at several addresses, and leave it its owner\'s', () => {
    assert.equal(printed(`
      let p = alloc_pages(GFP_KERNEL, 0)
      let w = vmap([p, p])
      store(w + 5, 77)
      print(load(w + 4KiB + 5), load(kmap(p) + 5), p._count)
      kunmap(p)  vunmap(w)
      print(p._count, len(vmlist))`), '77 77 1\n1 0');
  });

  it('say so of an address that is no area (VM-3)', () => {
    const { machine } = run('kernel driver { vfree(0xF8800000) vfree(5) }');
    assert.deepEqual(log_lines(machine.k, 0).map(({ text }) => text).slice(-2), ['Trying to vfree() nonexistent vm area (f8800000)', 'Trying to vfree() bad address (00000005)']);
  });
});

describe('kmap', () => {
  it('lends a window onto high memory, the same one to all who ask for a page (VM-6)', () => {
    assert.equal(printed(`
      let high = alloc_pages(GFP_HIGHUSER, 0)
      let a = kmap(high)
      store(a, 3)
      print(high.zone == zones.HIGHMEM, kmap(high) == a, load(a), hex(a))
      kunmap(high)  kunmap(high)
      let low = alloc_pages(GFP_KERNEL, 0)
      print(page_of(kmap(low)) == low)`, 'machine { memory 1GiB }'), 'true true 3 0xff801000\ntrue');
  });

  it('sleeps while every window is in use (VM-6)', () => {
    const { end, output } = run(`machine { memory 1GiB }
      kernel taker { for i in 0 .. 1024 { kmap(alloc_pages(GFP_HIGHUSER, 0)) } let p = alloc_pages(GFP_HIGHUSER, 0) kmap(p) print("never") }`);
    assert.deepEqual([end.reason, end.waiting, output.length], ['deadlock', [{ name: 'taker', waits_for: 'a slot of the kmap window' }], 0]);
  });
});

describe('memory pools', () => {
  it('keep elements in reserve for when the allocator has none (MP-1, MP-2, MP-3)', () => {
    assert.equal(printed(`
      let pool = mempool_create_page_pool(2, 1)
      print(pool, pool.min_nr, pool.curr_nr, pool.of)
      let e = mempool_alloc(pool, GFP_KERNEL)
      print(page(e.pfn) == e, pool.curr_nr)`), 'mempools["driver-0"] 2 2 blocks of 8 KiB\ntrue 2');
    assert.equal(printed(`
      let pool = mempool_create_kmalloc_pool(3, 60)
      let e = mempool_alloc(pool, GFP_ATOMIC)
      print(e >= 0xC0000000, pool.curr_nr, pool.cache, len(mempools))
      mempool_free(e, pool)
      mempool_destroy(pool)
      print(pool, len(mempools))`), 'true 3 0 1\na pool that was destroyed 0');
  });

  it('let a request wait until somebody gives an element back (MP-2)', () => {
    const { output, end } = run(`
      kernel owner {
        let pool = mempool_create_page_pool(1, 10)
        while alloc_pages(GFP_ATOMIC | __GFP_NOWARN, 10) != 0 { }
        let mine = mempool_alloc(pool, GFP_ATOMIC)
        print(pool.curr_nr, mempool_alloc(pool, GFP_ATOMIC))
        sleep 100ms
        print(len(pool.waiting), pool.waiting[0])
        mempool_free(mine, pool)
      }
      kernel asker at 50ms {
        let e = mempool_alloc(mempools["owner-0"], GFP_NOIO)
        print(e != 0, now >= 100ms, now < 200ms)
      }`);
    assert.deepEqual([end.reason, ...output.map(({ text }) => text)], ['ended', '0 0', '1 processes.asker', 'true true true']);
  });
});

describe('sysctl', () => {
  it('reads, writes and refuses as the files of /proc/sys do (chapter 19)', () => {
    assert.equal(printed(`
      print(sysctl("vm.min_free_kbytes"), sysctl("vm.min_free_kbytes", 2048), zones.NORMAL.pages_min)
      print(sysctl("vm.lowmem_reserve_ratio", [1, 2]), sysctl("vm.lowmem_reserve_ratio", [256, 256, 16]), zones.DMA.lowmem_reserve)
      print(sysctl("vm.percpu_pagelist_fraction", 5) == -EINVAL, sysctl("vm.zone_reclaim_mode") == -ENOENT)`), '1024 2048 384\n-22 [256, 256, 16] [0, 0, 48, 48]\ntrue true');
  });
});

describe('kernel addresses of x86_64', () => {
  it('are unsigned 64-bit numbers in a scenario', () => {
    assert.equal(printed(`
      let a = kmalloc(100)
      print(a >= 0xffff810000000000, page_of(a).flag("PG_slab"))
      store(a + 99, 5)
      print(load(a + 99))
      let v = vmalloc(8KiB)
      print(hex(v), vmlist[0].addr == v)
      store(v + 4097, 8)
      print(load(v + 4097))
      vfree(v)  kfree(a)
      print(len(vmlist))`, 'machine { arch x86_64 memory 64MiB }'), 'true true\n5\n0xffffc20000000000 true\n8\n0');
  });
});
