// Tasks, address spaces, page-table entries and what pages belong to, as expressions read them and as the Variables view shows them (KERNEL.md 1.3,
// R-1 … R-4, MM-6, X-7, X-9).
import assert from 'node:assert/strict';
import type { Machine } from '../../engine/index.ts';
import { boot_machine, make_machine, run_machine } from '../../engine/index.ts';
import type { Kernel } from '../../engine/index.ts';
import type { Value } from '../../language/runtime/index.ts';
import {
  childCounts, children, describe as describeValue, describeExpression, indexedChildren, linkProgram, namedChildren, toText, toValue,
} from '../../language/runtime/index.ts';
import { compileExpression } from '../../language/index.ts';
import { METHODS, OBJECTS } from '../../language/vocabulary/members.ts';
import { compiled, printed, run, watched } from './running.ts';

/** Runs a scenario up to a `breakpoint` and looks at the machine there. */
function lookedAt(text: string, look: (machine: Machine) => void): void {
  const data = compiled(text);
  let seen = 0;
  const linked = linkProgram(data, {
    statement: () => undefined,
    breakpoint() {
      seen++;
      look(machine);
    },
  });
  const machine = make_machine(data.config, linked);
  boot_machine(machine, data.config);
  run_machine(machine);
  assert.equal(seen, 1);
}

/** `name: text` of a value's members. */
function rows(k: Kernel, value: Value): string[] {
  return children(k, value).map((child) => `${child.name}: ${child.text}${child.hasChildren ? ' >' : ''}`);
}

const TWO = `
  process p {
    let a = mmap(3pages)
    store(a, 1)
    load(a + 1page)
    fork c { store(a, 2) breakpoint sleep 1ms }
    wait c
  }`;

describe('a task', () => {
  it('shows who it is and what it has', () => {
    lookedAt(TWO, ({ k }) => {
      const value = watched({ k } as Machine, 'processes.c');
      assert.equal(describeValue(k, value), 'c (pid 4) R, rss 2');
      const shown = rows(k, value).filter((row) => !/^(utime|start_time|badness|cpu|flags)/.test(row));
      assert.deepEqual(shown, [
        'pid: 4', 'comm: "c"', 'name: "c"', 'kind: "user"', 'state: "R"', 'nice: 0', 'uid: 1000', 'euid: 1000', 'oom_adj: 0', 'rss: 2 (8 KiB)', 'anon_rss: 1 (4 KiB)',
        'file_rss: 1 (4 KiB)', 'swap_pages: 0 (0 B)', 'total_vm: 29 (116 KiB)', 'vsz: 116 kB', 'locked_vm: 0 (0 B)', 'nr_ptes: 1', 'min_flt: 1', 'maj_flt: 0',
        'vmas: 4 areas >', 'brk: 0x804d000', 'esp: 0xbffff000', 'mm: 4 areas, total_vm 29, rss 2, nr_ptes 1 >', 'rlim: stack 8 MiB, address space unlimited >', 'files: 0 open files',
        'parent: p (pid 1) S, waits for the end of c, rss 2 >', 'children: []', 'exit_code: 0', 'waits_for: ""', 'signal: 0', 'si_code: 0', 'si_addr: 0x0',
      ]);
      assert.deepEqual(rows(k, watched({ k } as Machine, 'current.rlim')), ['RLIMIT_DATA: unlimited', 'RLIMIT_STACK: 8 MiB', 'RLIMIT_AS: unlimited', 'RLIMIT_MEMLOCK: 32 KiB']);
      assert.deepEqual(watched({ k } as Machine, '[current == processes.c, processes.p.children, current.parent.name]'), [true, [{ kind: 'task', pid: 4 }], 'p']);
    });
  });

  it('has no memory where it is a kernel thread', () => {
    assert.equal(printed('print(current.rss, current.total_vm, len(current.vmas), current.mm, current.brk, current.badness, current.kind, current.vma_of(0))'), '0 0 0 0 0 0 kernel 0');
  });

  it('reads, once it has ended, as it was just before it gave up its memory', () => {
    const { machine } = run('process p { let a = mmap(3pages) touch a .. a + 2pages write mlock(a, 1page) store(0x10, 1) }');
    const { k } = machine;
    const at = (text: string): Value => watched(machine, `processes.p.${text}`);
    assert.deepEqual([at('state'), at('signal'), at('si_addr'), at('rss'), at('anon_rss'), at('nr_ptes'), at('total_vm'), at('locked_vm'), at('mm.map_count')], ['Z', 11, 16, 2, 2, 1, 29, 1, 5]);
    assert.deepEqual([at('vmas[2].size'), at('vmas[2].rss'), at('vmas[0].file'), at('vmas[3].rss'), at('vmas[4].name'), at('vmas[2].anon')], [4096, 1, '/bin/p', 1, '[stack]', true]);
    assert.deepEqual([at('pte(0xb7ffd000).present'), at('page_of(0xb7ffd000) == processes.p.vmas[2].pages[0]'), at('pte(0xb7fff000).present'), at('pte(0x1000).levels')], [
      1, true, 0, { kind: 'pte levels', pid: 1, address: 4096 },
    ]);
    assert.equal(at('vma_of(0xb7ffe000) == processes.p.vmas[3]'), true);
    assert.equal(describeValue(k, at('mm')), '5 areas, total_vm 29, rss 2, nr_ptes 1');
    assert.equal(describeValue(k, watched(machine, 'processes.p')), 'p (pid 1) Z, ended by SIGSEGV, rss 2');
    assert.equal(toText(k, at('vmas[2]')), 'processes.p.mm.vmas[2]');
  });

  it('is found by name: of several forks the latest, and the others with their pid', () => {
    const { machine: { k }, machine } = run('process p { repeat 3 as i { fork c { exit i } } wait all }');
    assert.deepEqual(namedChildren(k, watched(machine, 'processes')).map(({ name, text }) => `${name}: ${text}`), [
      'p: p (pid 1) Z, rss 0', 'c (pid 4): c (pid 4) Z, rss 0', 'c (pid 5): c (pid 5) Z, rss 0', 'c: c (pid 6) Z, rss 0',
      'pdflush (pid 2): pdflush (pid 2) S, waits for work for pdflush', 'pdflush: pdflush (pid 3) S, waits for work for pdflush',
    ]);
    assert.deepEqual(['processes.c', 'processes["c (pid 4)"]', 'processes[1]'].map((text) => toText(k, watched(machine, text))), ['processes.c', 'processes["c (pid 4)"]', 'processes["c (pid 4)"]']);
    assert.throws(() => watched(machine, 'processes["c (pid 9)"]'), /has no member `c \(pid 9\)`/);
  });

  it('keeps its name where a thread of the kernel has it too', () => {
    const { machine: { k }, machine } = run('process pdflush { exit 5 }');
    assert.deepEqual(['processes.pdflush', 'processes["pdflush (pid 3)"]', 'processes[2]'].map((text) => describeValue(k, watched(machine, text))), [
      'pdflush (pid 1) Z, rss 0', 'pdflush (pid 3) S, waits for work for pdflush', 'pdflush (pid 3) S, waits for work for pdflush',
    ]);
    assert.equal(watched(machine, 'processes.pdflush.exit_code'), 5);
  });
});

describe('an address space', () => {
  it('opens into its areas, an area into tables, entries and pages', () => {
    lookedAt(TWO, ({ k }) => {
      const machine = { k } as Machine;
      const area = watched(machine, 'current.vmas[2]');
      assert.deepEqual(indexedChildren(k, watched(machine, 'current.vmas'), { start: 0, count: 9 }).map(({ text }) => text), [
        '0x8048000 … 0x804c000 r-xp 16 KiB, /bin/p', '0x804c000 … 0x804d000 rw-p 4 KiB, /bin/p', '0xb7ffd000 … 0xb8000000 rw-p 12 KiB', '0xbffeb000 … 0xc0000000 rw-p 84 KiB, [stack]',
      ]);
      assert.deepEqual(rows(k, area), [
        'start: 0xb7ffd000', 'end: 0xb8000000', 'size: 12 KiB', 'permissions: "rw-p"', 'flags: VM_READ|VM_WRITE|VM_MAYREAD|VM_MAYWRITE|VM_MAYEXEC|VM_ACCOUNT', 'name: ""', 'file: 0',
        'pgoff: 0xb7ffd', 'anon: true', 'anon_vma: anon_vma 1 of 2 areas >', 'rss: 2 (8 KiB)', 'page_prot: 0x25', 'page_tables: 1 table >', 'pages: 2 pages >',
        'mm: 4 areas, total_vm 29, rss 2, nr_ptes 1 >',
      ]);
      const table = watched(machine, 'current.vmas[2].page_tables[0]');
      assert.match(describeValue(k, table), /^0xb7ffd000 … 0xb8000000 in page \d+: 2 present$/);
      assert.deepEqual(indexedChildren(k, table, { start: 0, count: 9 }).map(({ name, text }) => `${name} ${text.replace(/\d+,/, 'N,')}`), [
        '[0] page N, PRESENT|RW|USER|ACCESSED|DIRTY', '[1] page N, PRESENT|USER',
      ]);
      assert.equal(watched(machine, 'current.vmas[2].pages[0] == current.page_of(current.vmas[2].start)'), true);
      assert.equal(watched(machine, 'current.vma_of(current.vmas[2].end - 1) == current.vmas[2] && current.vma_of(0x10) == 0'), true);
      assert.deepEqual(childCounts(k, watched(machine, 'current.vmas')), { named: 0, indexed: 4 });
    });
  });

  it('of any size costs no more rows than it has pages', () => {
    lookedAt('machine { arch x86_64 memory 64MiB }\nprocess p { let a = mmap(100GiB, flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE) store(a + 70GiB, 1) breakpoint }', ({ k }) => {
      const started = process.hrtime.bigint();
      const area = watched({ k } as Machine, 'current.vma_of(current.vmas[2].start)');
      assert.deepEqual(rows(k, area).filter((row) => /^(size|rss|page_tables|pages)/.test(row)), ['size: 100 GiB', 'rss: 1 (4 KiB)', 'page_tables: 1 table >', 'pages: 1 page >']);
      assert.ok(process.hrtime.bigint() - started < 1_000_000_000n);
    });
  });

  it('says when an area is gone', () => {
    assert.equal(run('process p { let a = mmap(1page, PROT_READ) let v = current.vma_of(a) munmap(a, 1page) print(v) let w = v.start }').output.map(({ text }) => text).join('\n'),
      'an area that was unmapped\ntest.pagewalk:2:104: An area that was unmapped has no members.');
  });
});

describe('a page-table entry', () => {
  it('is read bit by bit, and the walk level by level, on i386', () => {
    lookedAt(TWO, ({ k }) => {
      const machine = { k } as Machine;
      const at = (text: string): Value => watched(machine, text.replaceAll('A', '0xb7ffd000'));
      assert.deepEqual(at('[pte(A).present, pte(A).writable, pte(A).user, pte(A).accessed, pte(A).dirty, pte(A).exec, pte(A).nx, pte(A).swap_entry, pte(A).protnone]'), [1, 1, 1, 1, 1, 1, 0, 0, 0]);
      assert.equal(at('pte(A).value == pte(A).pfn * 4096 + 0x67 && pte(A).page == page(pte(A).pfn) && pte(A + 4095).pfn == pte(A).pfn'), true);
      assert.equal(at('pte(A) != processes.p.pte(A) && pte(A + 1page).pfn == processes.p.pte(A + 1page).pfn'), true);
      assert.equal(describeValue(k, at('pte(A + 2pages)')), 'none');
      assert.match(describeValue(k, at('pte(0x5000)')), /^none: no table behind PGD\[0\]$/);
      assert.match(describeValue(k, at('pte(A).levels')), /^PGD\[735\] → PTE\[1021\]$/);
      assert.match(rows(k, at('pte(A).levels')).join('\n'), /^\[0\]: PGD\[735\] at 0x[0-9a-f]+: 0x[0-9a-f]+067, table in page \d+ on, PRESENT\|RW\|USER\|ACCESSED\|DIRTY >\n\[1\]: PTE\[1021\] at 0x[0-9a-f]+: 0x[0-9a-f]+067, page \d+, PRESENT\|RW\|USER\|ACCESSED\|DIRTY >$/);
      assert.equal(at('pte(A).levels[0].page == pte(A).levels[1].table && pte(A).levels[1].page == pte(A).page'), true);
    });
  });

  it('has four levels and NX on x86_64', () => {
    lookedAt('machine { arch x86_64 memory 64MiB }\nprocess p { let a = mmap(1page) store(a, 1) load(current.mm.start_code) breakpoint }', ({ k }) => {
      const machine = { k } as Machine;
      assert.equal(watched(machine, 'pte(current.vmas[2].start).nx == 1 && pte(current.mm.start_code).exec == 1 && pte(current.vmas[2].start).value > 0x8000000000000000'), true);
      assert.deepEqual(watched(machine, '[pte(0x2aaaaaaab000).levels[0].level, pte(0x2aaaaaaab000).levels[1].level, pte(0x2aaaaaaab000).levels[2].level, pte(0x2aaaaaaab000).levels[3].level]'), ['PGD', 'PUD', 'PMD', 'PTE']);
      assert.deepEqual(watched(machine, '[len(pte(0x100000000000).levels), pte(0x100000000000).present]'), [1, 0]);
    });
  });

  it('of a page without access is there for the kernel alone', () => {
    assert.equal(run('process p { let a = mmap(1page) store(a, 1) mprotect(a, 1page, PROT_NONE) print(pte(a).present, pte(a).protnone, pte(a).writable, pte(a).user, pte(a).pfn > 0) }').output[0]!.text, '1 1 0 0 true');
  });

  it('may be asked for in a kernel thread, of its own addresses', () => {
    assert.equal(printed('let v = vmalloc(2pages)\nprint(pte(v).present, pte(v).page == vmlist[0].pages[0], pte(v).user, pte(v + 2pages).present, page_of(v + 1page) == vmlist[0].pages[1], pte(kmalloc(64)).present)'), '1 true 0 0 true 1');
  });
});

describe('a TLB', () => {
  it('counts, and shows what it remembers', () => {
    assert.equal(run(`process p {
      let a = mmap(3pages)
      store(a, 1) store(a, 2) load(a)
      let tlb = tlbs[0]
      print(tlb.hits, tlb.misses, tlb.entries, tlb.mm == current.mm, pte(a + 1page).page == zero_page)
      load(a + 1page)
      print(tlb.entries == [pte(a), pte(a + 1page)], pte(a + 1page).page == zero_page, tlb.page_flushes)
      munmap(a, 1page)
      print(tlb.entries)
    }`).output.map(({ text }) => text).join('\n'), '2 1 [pte(0xb7ffd000)] true false\ntrue true 0\n[]');
  });
});

describe('a page', () => {
  it('names what it belongs to, and the entries that name it', () => {
    lookedAt(TWO, ({ k }) => {
      const machine = { k } as Machine;
      const page = watched(machine, 'processes.p.page_of(0xb7ffd000)');
      assert.deepEqual(rows(k, page).filter((row) => /^(mapping|index|_mapcount|mapped_by)/.test(row)), ['_mapcount: 0', 'mapping: anon_vma 1 >', 'index: 753661', 'mapped_by: [page 4263, PRESENT|USER|ACCESSED|DIRTY] >'].map((row) => row.replace('4263', String(watched(machine, 'processes.p.pte(0xb7ffd000).pfn')))));
      assert.equal(watched(machine, 'processes.p.page_of(0xb7ffd000).mapping == processes.p.vma_of(0xb7ffd000).anon_vma && len(current.vma_of(0xb7ffd000).anon_vma.vmas) == 2'), true);
    });
  });

  it('of a file names the file', () => {
    lookedAt('process p { load(current.mm.start_code + 1page) breakpoint }', ({ k }) => {
      const machine = { k } as Machine;
      const page = watched(machine, 'current.page_of(0x8049000)');
      const shown = rows(k, page).filter((row) => /^(mapping|index|flags)/.test(row));
      assert.deepEqual(shown.slice(1), ['mapping: /bin/p >', 'index: 1']);
      assert.equal(watched(machine, 'current.page_of(0x8049000).mapping.path == "/bin/p" && current.page_of(0x8049000).mapped_by == [pte(0x8049000)] && current.page_of(0x8049000).mapping.pages[1] == current.page_of(0x8049000)'), true);
    });
  });
});

describe('the vocabulary', () => {
  const samples: [string, string][] = [
    ['process', 'current'], ['rlimits', 'current.rlim'], ['mm', 'current.mm'], ['vma', 'current.vmas[2]'], ['page_table', 'current.vmas[2].page_tables[0]'],
    ['anon_vma', 'current.vmas[2].anon_vma'], ['pte', 'pte(0xb7ffd000)'], ['pte_level', 'pte(0xb7ffd000).levels[0]'], ['page', 'page_of(0xb7ffd000)'], ['tlb', 'tlbs[0]'],
  ];
  for (const [type, text] of samples) {
    it(`has the members of ${type}, neither more nor less`, () => {
      lookedAt(TWO, ({ k }) => {
        const found = namedChildren(k, watched({ k } as Machine, text)).map(({ name }) => name);
        assert.deepEqual([...found, ...Object.keys(METHODS[type] ?? {})].sort(), Object.keys(OBJECTS[type]!).sort());
      });
    });
  }
});

describe('values of kernel frames', () => {
  it('open as the objects that they are', () => {
    lookedAt(TWO, ({ k }) => {
      const mm = k.mm_structs[k.tasks[4]!.mm]!;
      const vma = k.vmas[mm.mmap[2]!]!;
      assert.deepEqual([mm, vma, k.anon_vmas[vma.anon_vma], k.tasks[4], k.inodes[1]].map((raw) => (toValue(raw) as { kind: string }).kind), ['mm_struct', 'vma', 'anon_vma', 'task', 'inode']);
      const { expression } = compileExpression('vma.vm_start', ['vma']);
      assert.throws(() => describeExpression(k, expression!, new Map([['vma', vma]])), /has no member `vm_start`/);
    });
  });
});
