// malloc and free of the C library (LANGUAGE.md, What a process may call): a real heap in the process's own memory.
//
//   112u 24f 32u | 134992        the chunks of the heap, used or free, with their sizes in bytes, and top

import assert from 'node:assert/strict';
import type { Process } from './vma-notation.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { Body } from './tasks.ts';
import { SIGABRT, SIGSEGV } from '../../engine/include/signal.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { is_x86_64 } from '../../engine/arch/address.ts';
import { wait_for_tasks } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { load_user, store_user } from '../../engine/mm/user_memory.ts';
import { mm_vmas } from '../../engine/mm/mm_struct.ts';
import { sys_mmap2, sys_sbrk } from '../../engine/mm/mmap.ts';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, PROT_NONE, PROT_READ } from '../../engine/include/mman.ts';
import { sys_mprotect } from '../../engine/mm/mprotect.ts';
import { free, malloc } from '../../engine/user/malloc.ts';
import { entriesOf, load, store } from './entries-notation.ts';
import { inProcess } from './processes.ts';
import { call, lawsBroken, processOn } from './vma-notation.ts';

const KiB = 1024;
const X86_64 = { arch: 'x86_64' } as const;

const get = (process: Process, size: number): number => call(process, malloc(process.k, size));
const release = (process: Process, ptr: number): number => call(process, free(process.k, ptr));

const wordSize = ({ k }: Process): number => (is_x86_64(k) ? 8 : 4);

function wordAt(process: Process, address: number): number {
  let word = 0;
  for (let i = wordSize(process) - 1; i >= 0; i--) word = word * 256 + (load(process, address + i) as number);
  return word;
}

function putWord(process: Process, address: number, word: number): void {
  for (let i = 0; i < wordSize(process); i++) store(process, address + i, Math.floor(word / 256 ** i) % 256);
}

/** The heap in the notation, its tags checked on the way: a free chunk is in the ring, its size stands behind it, and no two lie side by side. */
function heapOf(process: Process): string {
  const w = wordSize(process);
  const arena = process.mm.start_brk;
  if (process.mm.brk === arena) return '';
  const [top, ring] = [wordAt(process, arena + w), ringOf(process, arena)];
  const chunks: string[] = [];
  let chunk = arena + 4 * w;
  let before = 'u';
  while (chunk < top) {
    const head = wordAt(process, chunk + w);
    const size = head - (head % 8);
    const used = wordAt(process, chunk + size + w) % 2 === 1;
    assert.equal(head % 8, before === 'u' ? 1 : 0, `marks of the chunk at ${chunk - arena}`);
    assert.equal(ring.includes(chunk), !used);
    if (!used) assert.equal(wordAt(process, chunk + size), size, `tag behind the chunk at ${chunk - arena}`);
    assert.ok(used || before === 'u', 'two free chunks side by side');
    before = used ? 'u' : 'f';
    chunks.push(`${size}${before}`);
    chunk += size;
  }
  assert.equal(chunk, top);
  assert.equal(before === 'f', false, 'a free chunk beside top');
  const head = wordAt(process, top + w);
  assert.equal(head % 8, 1);
  assert.equal(top + head - 1, process.mm.brk);
  assert.equal(ring.length, chunks.filter((text) => text.endsWith('f')).length);
  return [...chunks, '|', String(head - 1)].join(' ');
}

/** The free chunks, first is the one that was freed last; the links backwards agree. */
function ringOf(process: Process, arena: number): number[] {
  const w = wordSize(process);
  const ring: number[] = [];
  for (let chunk = wordAt(process, arena + 2 * w), before: number = arena; ; before = chunk, chunk = wordAt(process, chunk + 2 * w)) {
    assert.equal(wordAt(process, chunk + 3 * w), before);
    if (chunk === arena) return ring;
    ring.push(chunk);
  }
}

/** What the process was told as it died, and by which signal. */
function lastWords({ k, task }: Process): [string[], number[]] {
  return [k.program_output.map(({ text }) => text), task.pending.map(({ signo }) => signo)];
}

describe('malloc: the heap', () => {
  it('begins with the first malloc: an arena, the chunk, and top with 128 KiB to spare', () => {
    const process = processOn();
    const { mm } = process;
    assert.equal(get(process, 100), mm.start_brk + 24);
    assert.equal(mm.brk - mm.start_brk, 132 * KiB);
    assert.equal(heapOf(process), '104u | 135048');
    assert.equal(entriesOf(process, 33, 'heap'), `w'${'.'.repeat(32)}`);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('has words of 8 bytes on x86_64, and chunks at multiples of 16', () => {
    const process = processOn(X86_64);
    assert.equal(get(process, 100), process.mm.start_brk + 48);
    assert.equal(heapOf(process), '112u | 135024');
  });

  it('a chunk is a word more than asked for, in steps of two words, and holds the links of a free one', () => {
    const process = processOn();
    for (const size of [0, 1, 12, 13, 20, 21]) get(process, size);
    assert.equal(heapOf(process), '16u 16u 16u 24u 24u 32u | 135024');
  });

  it('what the program writes to the last byte harms nobody', () => {
    const process = processOn();
    const [one, two] = [get(process, 20), get(process, 20)];
    for (let i = 0; i < 20; i++) {
      store(process, one + i, 0xff);
      store(process, two + i, 0xff);
    }
    assert.equal(heapOf(process), '24u 24u | 135104');
    release(process, one);
    release(process, two);
    assert.equal(heapOf(process), '| 135152');
  });

  it('grows by what is missing and 128 KiB, and each malloc costs no more calls than that', () => {
    const process = processOn();
    get(process, 100 * KiB);
    assert.equal(heapOf(process), '102408u | 135144');
    get(process, 100 * KiB);
    assert.equal(heapOf(process), '102408u 102408u | 32736');
    get(process, 100 * KiB);
    assert.equal(heapOf(process), '102408u 102408u 102408u | 135128');
    assert.equal(mm_vmas(process.k, process.mm).length, 1);
  });

  it('shrinks when top has 128 KiB too much', () => {
    const process = processOn();
    const chunks = Array.from({ length: 3 }, () => get(process, 100 * KiB));
    const before = process.mm.brk;
    release(process, chunks[2]!);
    assert.equal(before - process.mm.brk, 100 * KiB);
    assert.equal(heapOf(process), '102408u 102408u | 135136');
    release(process, chunks[0]!);
    assert.equal(heapOf(process), '102408f 102408u | 135136');
    release(process, chunks[1]!);
    assert.equal(heapOf(process), '| 135152');
    assert.deepEqual(lawsBroken(process), []);
  });
});

describe('malloc: free chunks', () => {
  /** Chunks of these sizes, one after the other. */
  function chunks(process: Process, sizes: readonly number[]): number[] {
    return sizes.map((size) => get(process, size - wordSize(process)));
  }

  it('the first one in the ring that is large enough is taken; what is left of it stays free', () => {
    const process = processOn();
    const [a, , b] = chunks(process, [64, 16, 96, 16]);
    release(process, a!);
    release(process, b!);
    assert.equal(heapOf(process), '64f 16u 96f 16u | 134960');
    assert.equal(get(process, 36), b);
    assert.equal(heapOf(process), '64f 16u 40u 56f 16u | 134960');
    assert.equal(get(process, 60), a);
    assert.equal(heapOf(process), '64u 16u 40u 56f 16u | 134960');
    assert.equal(get(process, 44), b! + 40);
    assert.equal(heapOf(process), '64u 16u 40u 56u 16u | 134960', 'the 8 bytes too many stay with it');
  });

  const joins: readonly [string, number[], string][] = [
    ['with nobody', [1], '32u 32f 32u 32u | 135024'],
    ['with the one before', [0, 1], '64f 32u 32u | 135024'],
    ['with the one behind', [1, 0], '64f 32u 32u | 135024'],
    ['with both', [0, 2, 1], '96f 32u | 135024'],
    ['with top', [3], '32u 32u 32u | 135056'],
    ['with the one before and top', [2, 3], '32u 32u | 135088'],
    ['with all there is', [1, 0, 3, 2], '| 135152'],
  ];
  for (const [what, order, state] of joins) {
    it(`a chunk that is freed joins ${what}`, () => {
      for (const config of [{}, X86_64] satisfies Partial<MachineConfig>[]) {
        const process = processOn(config);
        const scale = wordSize(process) / 4;
        const made = chunks(process, [32, 32, 32, 32].map((size) => size * scale));
        for (const i of order) release(process, made[i]!);
        const scaled = (text: string): string => text.replace(/(\d+)([uf])/g, (_, size, use) => `${Number(size) * scale}${use}`).replace(/\d+$/, '');
        assert.equal(heapOf(process).replace(/\d+$/, ''), scaled(state));
        if (scale === 1) assert.equal(heapOf(process), state);
      }
    });
  }

  it('free(0) is nothing', () => {
    const process = processOn();
    assert.equal(release(process, 0), 0);
    assert.equal(process.mm.brk, process.mm.start_brk);
  });
});

describe('malloc: mappings', () => {
  it('from 128 KiB on a chunk has a mapping of its own, which goes with it', () => {
    const process = processOn();
    const ptr = get(process, 128 * KiB);
    assert.equal(ptr % PAGE_SIZE, 8);
    assert.deepEqual(mm_vmas(process.k, process.mm).map(({ vm_start, vm_end }) => [vm_start, vm_end]), [[ptr - 8, ptr - 8 + 132 * KiB]]);
    assert.equal(process.mm.brk, process.mm.start_brk);
    store(process, ptr + 128 * KiB - 1, 1);
    release(process, ptr);
    assert.equal(mm_vmas(process.k, process.mm).length, 0);
    assert.deepEqual(lawsBroken(process), []);
  });

  it('on x86_64 its bytes begin 16 behind a page', () => {
    const process = processOn(X86_64);
    const ptr = get(process, 1024 * KiB);
    assert.equal(ptr % PAGE_SIZE, 16);
    release(process, ptr);
    assert.equal(mm_vmas(process.k, process.mm).length, 0);
  });

  it('where the heap cannot grow, small chunks have one too', () => {
    const process = processOn();
    const { mm, k } = process;
    call(process, sys_mmap2(k, mm.start_brk + PAGE_SIZE, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, 0));
    const ptr = get(process, 10);
    assert.equal(ptr % PAGE_SIZE, 8);
    release(process, ptr);
    assert.equal(mm_vmas(k, mm).length, 1);
  });

  it('a heap that the program made for itself is left to it', () => {
    const process = processOn();
    const own = call(process, sys_sbrk(process.k, 3 * PAGE_SIZE));
    store(process, own, 0x55);
    const ptr = get(process, 10);
    assert.ok(ptr >= own + 3 * PAGE_SIZE);
    release(process, ptr);
    assert.equal(load(process, own), 0x55);
    assert.deepEqual(lastWords(process), [[], []]);
  });

  it('memory that the program takes behind the heap is not touched', () => {
    const process = processOn();
    const one = get(process, 120 * KiB);
    const own = call(process, sys_sbrk(process.k, PAGE_SIZE));
    store(process, own, 0x55);
    const two = get(process, 120 * KiB);
    const three = get(process, 120 * KiB);
    assert.ok(one < own && two < own && three > own + PAGE_SIZE);
    release(process, one);
    release(process, two);
    release(process, three);
    assert.equal(load(process, own), 0x55);
    assert.equal(process.mm.brk, own + PAGE_SIZE);
  });

  it('what no memory can hold is 0, and nothing has changed', () => {
    const process = processOn();
    assert.deepEqual([2 ** 32 - 1, 3 * 2 ** 30, 2 ** 31].map((size) => get(process, size)), [0, 0, 0]);
    process.task.rlim.RLIMIT_AS = 0;
    assert.deepEqual([get(process, 10), get(process, 200 * KiB)], [0, 0]);
    assert.equal(process.mm.total_vm, 0);
    assert.deepEqual(lastWords(process), [[], []]);
  });
});

describe('free: what cannot be right', () => {
  const cases: readonly [string, (process: Process, a: number, b: number) => number, string][] = [
    ['a pointer within a chunk', (_process, a) => a + 4, 'free(): invalid pointer'],
    ['a pointer that malloc never gave', ({ mm }) => mm.start_brk + 8, 'free(): invalid pointer'],
    ['a chunk twice', (process, a) => twice(process, a), 'double free or corruption (!prev)'],
    ['the last chunk twice', (process, _a, b) => twice(process, b), 'double free or corruption (top)'],
    ['a size that was overwritten', (process, a) => spoil(process, a - 4, 0), 'free(): invalid size'],
    ['a size past the end', (process, a) => spoil(process, a - 4, 0x100001), 'double free or corruption (out)'],
    ['the size of the next chunk overwritten', (process, a) => spoil(process, a + 28, 5, a), 'free(): invalid next size (normal)'],
    ['a mapping that is none', (process, a) => spoil(process, a - 4, 34), 'munmap_chunk(): invalid pointer'],
  ];

  function twice(process: Process, ptr: number): number {
    release(process, ptr);
    return ptr;
  }

  function spoil(process: Process, address: number, word: number, ptr = address + 4): number {
    putWord(process, address, word);
    return ptr;
  }

  for (const [what, pointer, message] of cases) {
    it(`${what}: SIGABRT, "${message}"`, () => {
      const process = processOn();
      const made = [get(process, 28), get(process, 28)];
      const ptr = pointer(process, made[0]!, made[1]!);
      release(process, ptr);
      assert.deepEqual(lastWords(process), [[`*** glibc detected *** /bin/test: ${message}: 0x${ptr.toString(16).padStart(8, '0')} ***`], [SIGABRT]]);
    });
  }

  it('links that an overrun has overwritten: the next free or malloc finds it', () => {
    const process = processOn();
    const [a, , b] = [get(process, 28), get(process, 28), get(process, 28), get(process, 28)];
    release(process, a!);
    release(process, b!);
    putWord(process, a! + 4, process.mm.start_brk);
    assert.equal(get(process, 1000), 0);
    assert.match(process.k.program_output[0]!.text, /malloc\(\): memory corruption/);
    assert.deepEqual(process.task.pending.map(({ signo }) => signo), [SIGABRT]);
  });

  it('joining with a chunk whose links are broken: corrupted double-linked list', () => {
    const process = processOn();
    const [a, b] = [get(process, 28), get(process, 28), get(process, 28)];
    release(process, a!);
    putWord(process, a!, a!);
    release(process, b!);
    assert.match(process.k.program_output[0]!.text, /corrupted double-linked list/);
  });

  it('a pointer to nowhere is SIGSEGV, as any other access', () => {
    const process = processOn();
    release(process, 0x1000);
    assert.deepEqual(lastWords(process), [[], [SIGSEGV]]);
  });

  it('in a heap that the program has closed to itself malloc is SIGSEGV, and asks the kernel for nothing', () => {
    const process = processOn();
    get(process, 10);
    const { k, mm } = process;
    assert.equal(call(process, sys_mprotect(k, mm.start_brk, mm.brk - mm.start_brk, PROT_NONE)), 0);
    const { brk, total_vm } = mm;
    assert.equal(get(process, 100 * KiB), 0);
    assert.deepEqual(lastWords(process), [[], [SIGSEGV]]);
    assert.deepEqual([mm.brk, mm.total_vm], [brk, total_vm]);
  });

  it('where the program has cut the heap off, top lies in nothing: SIGSEGV', () => {
    const process = processOn();
    const ptr = get(process, 8 * KiB);
    call(process, sys_sbrk(process.k, PAGE_SIZE - (process.mm.brk - process.mm.start_brk)));
    release(process, ptr);
    assert.deepEqual(lastWords(process), [[], [SIGSEGV]]);
  });
});

describe('malloc: over a fork', () => {
  it('the child has the heap as it stood, for itself', () => {
    const seen: string[] = [];
    const same = (pointers: number[]): boolean => new Set(pointers).size === 1;
    let kept = 0;
    const child: Body = function* (k) {
      const byte = yield* load_user(k, virt(kept));
      yield* free(k, kept);
      const again = yield* malloc(k, 60);
      yield* store_user(k, virt(again), 2);
      const next = yield* malloc(k, 60);
      seen.push(`child: ${byte}, ${same([kept, again])}`, `child: ${same([again, next])}`);
    };
    const parent: Body = function* (k) {
      kept = yield* malloc(k, 60);
      yield* store_user(k, virt(kept), 1);
      yield* do_fork(k, { name: 'child', comm: 'child', program: 'child' });
      yield* wait_for_tasks(k, ['child']);
      const byte = yield* load_user(k, virt(kept));
      const next = yield* malloc(k, 60);
      seen.push(`parent: ${byte}, ${next - kept}`);
      yield* free(k, kept);
      yield* free(k, next);
    };
    inProcess(parent, {}, { child });
    assert.deepEqual(seen, ['child: 1, true', 'child: false', 'parent: 1, 64']);
  });
});

describe('malloc: what it costs', () => {
  it('an access each word, and a system call where it asks the kernel', () => {
    const process = processOn();
    get(process, 60);
    const before = process.k.now;
    get(process, 60);
    // The arena's mark; the ring, which is empty; top's place and size; then top's place, its new size, and the chunk's own.
    assert.equal(process.k.now - before, 8 * process.k.cost.access);
  });
});

describe('malloc: at random', () => {
  it('chunks never overlap, keep their bytes, and end where they began', () => {
    for (const config of [{}, X86_64] satisfies Partial<MachineConfig>[]) {
      const process = processOn(config);
      let seed = 7;
      const random = (n: number): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % n;
      const held: { ptr: number; size: number; byte: number }[] = [];
      for (let i = 0; i < 600; i++) {
        if (held.length > 0 && random(5) < 2) {
          const [gone] = held.splice(random(held.length), 1);
          assert.deepEqual([load(process, gone!.ptr), load(process, gone!.ptr + gone!.size - 1)], [gone!.byte, gone!.byte]);
          release(process, gone!.ptr);
        } else {
          const size = 1 + random(random(20) === 0 ? 200 * KiB : 600);
          const ptr = get(process, size);
          assert.ok(ptr > 0 && held.every((other) => ptr + size <= other.ptr || other.ptr + other.size <= ptr));
          const byte = random(256);
          store(process, ptr, byte);
          store(process, ptr + size - 1, byte);
          held.push({ ptr, size, byte });
        }
        if (i % 50 === 0) heapOf(process);
      }
      for (const { ptr } of held) release(process, ptr);
      assert.match(heapOf(process), /^\| \d+$/);
      assert.equal(mm_vmas(process.k, process.mm).length, 1);
      assert.deepEqual(lawsBroken(process), []);
      assert.deepEqual(lastWords(process), [[], []]);
    }
  });
});
