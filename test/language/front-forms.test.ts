// Every form of the language is read without a word, on many lines and on one.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { checkScenario, parseSource } from '../../language/index.ts';
import { picture } from './front-tree.ts';

const EXAMPLE = readFileSync(new URL('./front-example.pagewalk', import.meta.url), 'utf8');
const MACHINE = 'machine { memory 64MiB cpus 2 disk sda { } swap sda2 16MiB on sda }';

const FILES: string[] = [
  'machine { arch x86_64 cpus 64 memory 1GiB hz 250 seed 7 }',
  'machine { arch i386; cpus 2; memory 64MiB; };',
  ';;machine{memory 1GiB;;};;process p{;;let x = 1;;};',
  'machine {\n  node 0 { zone DMA 16MiB  zone NORMAL 48MiB  zone HIGHMEM 64MiB }\n  node 1 { zone NORMAL 64MiB; }\n  distance 0 1 20 distance 1 0 20\n}',
  'machine { memory 64MiB disk sda { seek 8ms bandwidth 60MiB/s } disk sdb { bandwidth 100MiB/s; seek 500us } }',
  'machine { memory 64MiB disk sda { size 1MiB } file "/a" 700KiB on sda file "/ab" 324KiB on sda file "/empty" 0 on sda }',
  'machine { memory 64MiB disk sda { } file "/var/log/big" 1MiB on sda } process p { open("/var/log/bgi") } def make(path) { return open(path, O_CREAT) }',
  'machine { memory 64MiB disk sda { fail read 8 .. 16 fail write 0 .. 4 fail read 100..200 } }',
  'machine { memory 64MiB disk sda { } file "/a b" 3pages on sda swap s1 16MiB on sda swap s2 1GiB on sda priority -1 }',
  'machine { memory 64MiB sysctl vm.swappiness = 60 sysctl vm.page-cluster = 3 sysctl vm.lowmem_reserve_ratio = [256, 256, 32,] seed 0x10 }',
  'machine { memory 64MiB sysctl vm.min_free_kbytes = 2 * 512 + LOW sysctl kernel.randomize_va_space = 1 sysctl pagewalk.fixed_quirks = 1 } const LOW = 3',
  'machine { memory MEMORY reserve 1MiB .. 2MiB reserve 0x400000..0x500000 cost statement 50ns cost quantum 20ms } const MEMORY = 32MiB',
  `${MACHINE} process p { }`,
  `${MACHINE} process p at 20ms nice -5 uid 0 oom_adj -17 cpu 1 rlimit_as 64MiB rlimit_stack 8MiB dies SIGSEGV times 3 { }`,
  `${MACHINE} process p after q { } process q{} kernel k at 1ms cpu 0 { } kernel l after k { } process r after s.1 { } process s times N { } const N = 2`,
  `${MACHINE} boot { let a = alloc_bootmem(4KiB) let b = alloc_bootmem_low(size: 4KiB) free_bootmem(a, 4KiB) print(a, b) }`,
  `${MACHINE} def f() { } def g(a) { return a } def h(a, b,) { return f() + g(b) } def fact(n) { return n < 2 ? 1 : n * fact(n - 1) }`,
  `${MACHINE} const B = A + 2 const A = 1 const C = [A, B][1] const D = max(A, B) * len([1, 2]) const E = "x" const F = true const G = -MAP_SHARED`,
  `${MACHINE} stop on oom stop on kmem:mm_page_alloc when order > 3 hits 5 log "order {order} {gfp_flags}" stop on segfault log "x"`,
  `${MACHINE} stop on alloc_pages when (order > 3) stop on shrink_zone when zone.name == "DMA" && priority < LIMIT stop on try_to_free_pages when zones[0].first.pages > nodes.first const LIMIT = 3`,
  `${MACHINE} stop on oom log "{{braces}} {caches[\\"size-128\\"].num_objs} {len(nodes)}\\t" stop on bug hits N const N = 2`,
  `${MACHINE} expect zones.NORMAL.free_area[3].nr_free > 0 expect oom.kills >= 1 "one" expect vmstat.pgfault > 0 && meminfo.MemFree > 0 expects_bug "slab error"`,
  `${MACHINE} expect processes.p.signal == SIGKILL expect processes["q.0"].rss == 0 expect events.mm_page_alloc > 3 expect page(0).flag("PG_reserved") process p { } process q times 2 { }`,
  `${MACHINE} expect nodes[0].zones.DMA.lowmem_reserve[1] > 0 expect zones.NORMAL.pcp[0].hot.count == 0 expect swaps.sda2.used == 0 expect files["/x"].cached_pages == 0`,
];

const BODIES: string[] = [
  'let x = 1 x = 2 x += 1 x -= 1 x *= 2 x /= 3 let y = [[1, 2], [3]] y[0][1] = 2 y[x + 1][0] += 3',
  'let a = 1 if a { } if a { } else { } if a { } else if !a { } else { print(a) }',
  'let i = 0 while i < 3 { i += 1 if i == 2 { break } continue }',
  'let a = 4KiB let b = 8KiB for p in a .. b { } for p in a .. b + 1 step 4KiB { } for p in [1, 2] { } for p in nodes { }',
  'for i in 0..10 step 2 { } for i in 0x10..0x20 { } for i in 4KiB..8KiB step 1pages { } for i in 0 .. true ? 1 : 2 {}',
  'let n = 2 repeat 8 { } repeat 8 as i { print(i) } repeat n as i{}',
  'let a = mmap(64KiB) touch a .. a + 64KiB touch a..a + 4KiB read touch a .. a + 64KiB write step 8KiB touch a .. a + 1pages step 4KiB;',
  'let t = 1ms sleep 5ms sleep t * 2 sleep 1min sleep 500ns + 10us + 2s',
  'print("a", 1, true, [1, "x"]) print() expect now > 1 "message" expect jiffies >= 0 expect current.comm == "p" "y" print(hex(10))',
  'fork c { exit 0 } wait c wait all let pid = fork d { sleep 1ms } kill(pid, SIGKILL) pid = fork d { } wait d',
  'if now > 0 { exit } if now > 1 { exit 3 } if now > 2 { exit -1 } exit',
  'breakpoint print(1) breakpoint',
  'let a = mmap(length: 4MiB, prot: PROT_READ) let b = mmap(4KiB, flags: MAP_SHARED | MAP_ANONYMOUS, addr: 0x10000) munmap(a, 4MiB) mprotect(b, 4KiB, prot: PROT_NONE)',
  'let fd = open("/x") let got = read(fd, 4KiB) write(fd, n: 4KiB, byte: 0x5A,) lseek(fd, 0, SEEK_SET) close(fd) sysctl("vm.swappiness") sysctl("vm.swappiness", 3)',
  'let v = pte(0x8048000).present + page_of(0x8048000)._count + current.vmas[0].start + random(3) + min(1, 2) + max([1, 2]) + sum([1]) + abs(-1)',
  'let memory = 1 let at = 2 let log = 3 let hits = 4 let size = 5 let seed = 6 let file = 7 let swap = 8 let step = 9 let on = 1 let when = 2 let node = 3 memory = at + log * hits - size / seed % file & swap',
  'let at = 1 let log = [1] let step = 1 let read = 1 let write = 1 let as = 1 at += 1 log[0] = 2 step = 3 read = 4 write = 5 as = 7',
  'let step = 1 let at = 8 let to = 9 let as = 1 let write = 1 for x in step .. step step step { } repeat as as as { } touch at .. to read read(1, 1) touch at .. to write(1, 1) touch at .. to write = 3',
  'let free = malloc(8) free(free) let page = 3 let x = page(page).flags let current = 1 print(current)',
];

const THREADS: string[] = [
  'let p = alloc_pages(GFP_ATOMIC, 3) if p == 0 { print("order 3 failed") } else { free_pages(p, 3) } __free_pages(page: alloc_pages(GFP_KERNEL, 0), order: 0)',
  'let o = kmalloc(128) kfree(o) let c = kmem_cache_create("mine", 100, flags: SLAB_HWCACHE_ALIGN | SLAB_PANIC) let a = kmem_cache_alloc(c, GFP_KERNEL) kmem_cache_free(c, a) kmem_cache_shrink(c) kmem_cache_destroy(c)',
  'let v = vmalloc(64KiB) store(v, 1) print(load(v)) vfree(v) let m = vmap([alloc_pages(GFP_KERNEL, 0)]) vunmap(m) kunmap(kmap(0)) drop_caches(3) wakeup_pdflush(0) shrink_all_memory(10)',
  'let q = mempool_create_kmalloc_pool(4, 128) let r = mempool_create_page_pool(min_nr: 4, order: 0) let e = mempool_alloc(q, GFP_NOIO | __GFP_NOWARN) mempool_free(e, q) mempool_destroy(r) sysctl("vm.swappiness", 1)',
];

describe('forms of the language', () => {
  it('reads the example of the reference', () => check(EXAMPLE));
  for (const text of FILES) it(text.replace(`${MACHINE} `, '').replaceAll('\n', ' ⏎ '), () => check(text));
  for (const text of BODIES) it(`in a process: ${text}`, () => check(`${MACHINE}\nprocess p {\n${text}\n}`));
  for (const text of THREADS) it(`in a kernel thread: ${text}`, () => check(`${MACHINE}\nkernel k {\n${text}\n}`));

  it('does not mind how lines end, nor a byte order mark, tabs and comments', () => {
    check('\uFEFF// a\r\n/* b */ machine /* c */ { // d\r\n\tmemory 1GiB }// e\r\n/**/ process p { /* * / ** */ }\r\n');
  });

  it('imports the functions and constants of other files, through others too, in circles', () => {
    const files = new Map([
      ['lib/a.pagewalk', 'import "../lib/./b.pagewalk" import "../main.pagewalk" def fromA(n) { return n + B }'],
      ['lib/b.pagewalk', 'machine { memory 1GiB } process other { mmpa(1) } const B = 2'],
    ]);
    const text = `import "lib/a.pagewalk"; ${MACHINE} process p { print(fromA(B)) } import "lib/b.pagewalk"`;
    const { problems, sources } = checkScenario(text, 'main.pagewalk', { read: (path) => files.get(path) });
    assert.deepEqual(problems.map((problem) => `${problem.file}: ${problem.message}`), ['lib/b.pagewalk: There is no function `mmpa`. Did you mean `mmap`?']);
    assert.deepEqual(sources.map(({ source }) => source.file), ['main.pagewalk', 'lib/a.pagewalk', 'lib/b.pagewalk']);
  });
});

/** Nothing is wrong with a text, and on one line it means the same. */
function check(text: string): void {
  assert.deepEqual(checkScenario(text, 'form.pagewalk').problems.map((problem) => problem.message), []);
  const flat = text.replace(/\/\/[^\r\n]*/g, '').replace(/\s+/g, ' ');
  assert.deepEqual(checkScenario(flat, 'form.pagewalk').problems.map((problem) => problem.message), []);
  assert.equal(picture(parseSource(flat, 'form.pagewalk').scenario.decls), picture(parseSource(text, 'form.pagewalk').scenario.decls));
}
