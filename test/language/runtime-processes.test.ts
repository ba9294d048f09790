// Processes through the language: options, fork, wait, touch, system calls, signals (LANGUAGE.md; KERNEL.md F-1, F-6, F-11, MM-7 … MM-19).
import assert from 'node:assert/strict';
import { log_lines } from '../../engine/index.ts';
import { judge } from '../../language/runtime/index.ts';
import type { Ran } from './running.ts';
import { complaint, run } from './running.ts';

/** What a run says, one line each, and at its end what it is blamed for. */
function said(text: string): string {
  const ran = run(text);
  return [...ran.output.map((record) => (record.kind === 'print' ? record.text : `${record.ok ? 'held' : 'failed'}: ${record.text}`)), ...blamed(ran)].join('\n');
}

/** The lines with which a run is judged to have failed. */
function blamed({ machine: { k }, linked: { data }, end }: Ran): string[] {
  return judge(data, { k, ...end, isAnnounced: false }, 1e9).failures;
}

/** The same of the body of one process, which begins in line 3. */
function process(body: string, options = ''): string {
  return said(`process p ${options} {\n${body}\n}`);
}

describe('a process', () => {
  it('has the options that it is given, and what LANGUAGE.md says where it is given none', () => {
    assert.equal(said(`
      process plain { print(current.uid, current.euid, current.nice, current.oom_adj, current.rlim.RLIMIT_AS, current.rlim.RLIMIT_STACK, current.cpu, now < 10us) }
      process rich uid 0 nice -5 oom_adj -3 rlimit_as 32MiB rlimit_stack 1MiB cpu 0 at 3ms {
        print(current.uid, current.euid, current.nice, current.oom_adj, current.rlim.RLIMIT_AS, current.rlim.RLIMIT_STACK, current.cpu, now > 3ms)
      }`), '1000 1000 0 0 -1 8388608 0 true\n0 0 -5 -3 33554432 1048576 0 true');
  });

  it('is held to its limits', () => {
    assert.equal(process('print(mmap(2MiB) == -ENOMEM, mmap(512KiB) > 0, malloc(1MiB), brk(brk(0) + 1MiB) == brk(0))', 'rlimit_as 1MiB'), 'true true 0 true');
    assert.equal(process('set_esp(current.esp - 63pages) touch current.esp .. current.esp + 1page\nprint(current.signal)\nset_esp(current.esp - 1page) store(current.esp, 1)', 'rlimit_stack 256KiB dies SIGSEGV'), '0');
  });

  it('begins with text, data and stack, and nothing resident', () => {
    assert.equal(process(`
      for area in current.vmas { print(hex(area.start), area.size / 1page, area.permissions, area.name, area.file, area.pgoff) }
      print(current.rss, current.nr_ptes, current.total_vm, current.min_flt)`),
    '0x8048000 4 r-xp /bin/p /bin/p 0\n0x804c000 1 rw-p /bin/p /bin/p 4\n0xbffeb000 21 rw-p [stack] 0 786411\n0 0 26 0');
  });

  it('may be there several times, each with its own name and random numbers', () => {
    assert.equal(said(`
      process hog times 3 { print(current.name, current.comm, random(1000000)) exit current.pid }
      process last after hog { print(processes["hog.1"].exit_code, processes["hog.2"].state) wait hog.0 wait hog }
      process never after hog.2 { print("after the last") }`), 'hog.0 hog 40928\nhog.1 hog 145559\nhog.2 hog 112319\n2 Z\nafter the last');
  });

  it('counts among the tasks that there may be once it begins', () => {
    assert.equal(said('machine { memory 16MiB } process p times 300 { store(mmap(1page), 1) }'), '');
  });

  it('runs side by side with others on several CPUs', () => {
    assert.equal(said(`machine { memory 64MiB cpus 2 }
      process a cpu 0 { let p = mmap(1MiB) touch p .. p + 1MiB print("a", now < 1ms) }
      process b cpu 1 { let p = mmap(1MiB) touch p .. p + 1MiB print("b", now < 1ms, current.cpu) }`), 'a true\nb true 1');
  });
});

describe('fork', () => {
  it('gives the parent the pid, and the child its own copy of all variables', () => {
    assert.equal(process(`
      let list = [1, 2]
      let same = list
      let n = 5
      let pid = fork c {
        n += 1
        list[0] = 9
        print("child", n, list, same, current.pid, current.parent)
      }
      wait c
      print("parent", n, list, same, pid, processes.c.pid == pid)`), 'child 6 [9, 2] [9, 2] 4 processes.p\nparent 5 [1, 2] [1, 2] 4 true');
  });

  it('stands in loops, in `def`s and in other forks, and its block ends the child', () => {
    assert.equal(process(`
      def_(2)
      repeat 2 as i { fork c { print("child", i) } print("parent", i) }
      fork outer { let n = 7 fork inner { n += 1 print("inner", n, current.parent) } wait inner print("outer", n) }
      wait all
      print("end")
    }
    def def_(n) {
      if n == 0 { return 0 }
      fork deep { print("deep", n) }
      wait deep
      return def_(n - 1)`), 'deep 2\ndeep 1\nparent 0\nparent 1\nchild 0\nchild 1\ninner 8 processes.outer\nouter 7\nend');
  });

  it('goes into variables and lists that are there', () => {
    assert.equal(process('let l = [0, 0]\nlet x = 0\nx = fork a { }\nl[1] = fork b { print("b", l, x) }\nfork c { exit 4 }\nwait all\nprint(x, l, processes.c.exit_code)'), 'b [0, 0] 4\n4 [0, 5] 4');
  });

  it('copies memory on write: both see what was there, then each its own', () => {
    assert.equal(process(`
      let p = mmap(2pages)
      store(p, 1)
      store(p + 1page, 2)
      let shared = mmap(1page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS)
      store(shared, 10)
      fork c { store(p, 100) store(shared, 20) print("child", load(p), load(p + 1page), load(shared)) }
      wait c
      print("parent", load(p), load(p + 1page), load(shared))`), 'child 100 2 20\nparent 1 2 20');
  });

  it('fails with an errno where the child cannot be promised its memory', () => {
    assert.equal(said(`machine { memory 64MiB sysctl vm.overcommit_memory = 2 }
      process p { let a = mmap(20MiB) print(a > 0, (fork_()) == -ENOMEM) }
      def fork_() { let pid = fork c { print("never") } return pid }`), 'true true');
  });

  it('has a stream of random numbers of its own, and leaves the parent\'s alone', () => {
    const numbers = (fork: string): string => process(`${fork}\nprint("p", random(1000000))\nwait all`);
    const [alone, forked] = [numbers(''), numbers('fork c { print("c", random(1000000)) }')];
    assert.ok(forked.startsWith(alone), forked);
    assert.notEqual(forked.split('\n')[1]!.slice(2), alone.slice(2));
  });
});

describe('wait', () => {
  it('waits for the own children of a name, for a task, or for all children', () => {
    assert.equal(said(`
      process p { repeat 2 as i { fork c { sleep (2 - i) * 1ms print("c", i, now / 1ms) } } wait c print("both") wait c print("again, at once") wait all }
      process q { fork c { sleep 10ms print("q's c") } wait p print("p has ended", now / 1ms) wait c print("q") }`),
    'c 1 1\nc 0 2\nboth\nagain, at once\np has ended 2\nq\'s c\nq');
  });

  it('is over at once where nothing was forked', () => {
    assert.equal(process('if false { fork c { } }\nwait c\nwait all\nprint("on")'), 'on');
  });
});

describe('touch', () => {
  it('makes one access to each page that the range has a part of', () => {
    assert.equal(process(`
      let p = mmap(8pages)
      touch p + 100 .. p + 2pages + 1 write
      print(current.anon_rss, current.min_flt, pte(p).dirty, pte(p + 2pages).dirty, pte(p + 3pages).present)
      touch p .. p
      touch p + 3pages .. p + 8pages read step 2pages
      print(current.anon_rss, current.file_rss, current.min_flt, pte(p + 5pages).writable)
      touch p + 3pages .. p + 8pages
      print(current.anon_rss, current.file_rss)
      touch p + 7pages .. p step -1page
      print(load(p))`), '3 3 1 1 0\n3 3 6 0\n8 0\n0');
  });

  it('reads where nothing may be written, unless it is told to write', () => {
    assert.equal(process('let p = mmap(2pages, PROT_READ)\ntouch p .. p + 2pages\nprint(current.file_rss)\ntouch p .. p + 2pages write\nprint("never")', 'dies SIGSEGV'), '2');
  });

  it('changes no byte', () => {
    assert.equal(process('let p = mmap(1page)\nstore(p, 77)\ntouch p .. p + 1page write\nprint(load(p))'), '77');
  });

  it('costs a statement, what its faults cost, and 10 ns an access', () => {
    assert.equal(process(`
      let p = mmap(4pages)
      touch p .. p + 4pages write
      let before = now
      touch p .. p + 4pages write
      print(now - before)`), String(100 + 4 * 10 + 100));
  });

  it('gives way in the middle, and to a signal too', () => {
    assert.equal(said(`machine { memory 64MiB cost quantum 20us }
      process long { let p = mmap(100pages) touch p .. p + 100pages write print("long", current.anon_rss, now > 200us) }
      process short { print("short", processes.long.anon_rss > 0, processes.long.anon_rss < 100, kill(processes.long.pid, SIGKILL)) }
      expect processes.long.signal == SIGKILL && processes.long.anon_rss < 100`), 'short true true 0\nheld: processes.long.signal == SIGKILL && processes.long.anon_rss < 100');
  });

  it('reaches vmalloc space in a kernel thread', () => {
    assert.equal(said('kernel k { let v = vmalloc(3pages) store(v, 5) touch v .. v + 3pages print(load(v), now > 0) }'), '5 true');
  });

  it('may not go by steps of 0', () => assert.equal(complaint('process p { let s = 0 touch 0 .. 4096 step s }'), 'test.pagewalk:2:23: A step of 0 never ends.'));
});

describe('calls of a process', () => {
  it('answer with errnos as Linux does', () => {
    assert.equal(process(`
      let p = mmap(4pages)
      print(mmap(0) == -EINVAL, mmap(4GiB) == -ENOMEM, mmap(-1) == -ENOMEM, mmap(1page, fd: 3, flags: MAP_PRIVATE) == -EBADF, mmap(1page, offset: 5) == -EINVAL, mmap(1page, offset: -1) == -EINVAL)
      print(munmap(p + 1, 1page) == -EINVAL, munmap(p, 0) == -EINVAL, mprotect(p + 1, 1page, PROT_READ) == -EINVAL, mprotect(0x10000, 1page, PROT_READ) == -ENOMEM)
      print(madvise(p, 4pages, 99) == -EINVAL, madvise(p, 4pages, MADV_DONTNEED), msync(p, 4pages, MS_SYNC), mincore(p, 4pages) == -ENOMEM, mincore(p, 0))
      print(mlock(p, 4pages), mlock(p, 1MiB) == -ENOMEM, munlock(p, 4pages), mlockall(0) == -EINVAL)
      print(mremap(p, 4pages, 0) == -EINVAL, mremap(p, 4pages, 2pages) == p, brk(0) == current.brk, sbrk(1page) == brk(0) - 1page)
      print(kill(99, SIGTERM) == -ESRCH, kill(getpid(), 99) == -EINVAL, kill(getpid(), 0), sched_yield(), getpid() == current.pid)
      print(sysctl("vm.overcommit_memory"), sysctl("vm.overcommit_memory", 1) == -EPERM, sysctl("vm.zone_reclaim_mode") == -ENOENT)
      print(setuid(0) == -EPERM, setuid(1000), set_oom_adj(getpid(), 5) == -EPERM, set_oom_adj(77, 0) == -ENOENT)`), [
      'true true true true true true', 'true true true true', 'true 0 0 true []', '0 true 0 true', 'true true true true', 'true true 0 0 true', '0 true true', 'true 0 true true',
    ].join('\n'));
  });

  it('of root go through', () => {
    assert.equal(process(`
      print(sysctl("vm.overcommit_memory", 2), set_oom_adj(getpid(), 5), current.oom_adj, set_oom_adj(getpid(), 99) == -EINVAL, mlock(0x8048000, 4pages))
      print(setuid(5), current.uid, current.euid, sysctl("vm.overcommit_memory", 0) == -EPERM)`, 'uid 0'), '2 0 5 true 0\n0 5 5 true');
  });

  it('cost 500 ns on entry, and accesses 10', () => {
    assert.equal(process('let a = 0\na = now\ngetpid()\nlet b = now\nset_esp(0xbffff000)\nprint(b - a, now - b)'), `${100 + 500 + 100} ${100 + 100}`);
  });

  it('have positional and named arguments, evaluated in their order', () => {
    assert.equal(process('let p = mmap(prot: PROT_READ, length: 3pages)\nprint(current.vma_of(p).permissions, current.vma_of(p).size / 1page)'), 'r--p 3');
  });

  it('are told apart where a `def` runs in both worlds', () => {
    assert.equal(said(`
      def poke(address) { store(address, 300) return load(address) }
      def mode() { return sysctl("vm.overcommit_memory", 0) }
      process p { let a = mmap(1page) print("p", poke(a), mode() == -EPERM) }
      kernel k { let a = kmalloc(10) print("k", poke(a), mode()) }`), 'p 44 true\nk 44 0');
  });

  it('malloc and free keep house with memory of the process', () => {
    assert.equal(process(`
      let a = malloc(100)
      let b = malloc(200KiB)
      store(a, 5)
      store(b + 200KiB - 1, 6)
      print(current.vma_of(a).name, current.vma_of(b).name == "", load(a), load(b + 200KiB - 1), malloc(2GiB))
      free(a)
      free(b)
      free(0)
      print(malloc(100) == a, current.vma_of(b))`), '[heap] true 5 6 0\ntrue 0');
  });
});

describe('a signal', () => {
  it('ends a process that touches what it may not, with code and address', () => {
    const cases: [string, string][] = [
      ['store(0x10, 1)', 'nothing is mapped at 0x10 (SEGV_MAPERR)'],
      ['let p = mmap(1page, PROT_READ)\nload(p)\nstore(p + 5, 1)', 'the area at 0xb7fff005 does not allow the access (SEGV_ACCERR)'],
      ['let p = mmap(1page, PROT_NONE)\nload(p)', 'the area at 0xb7fff000 does not allow the access (SEGV_ACCERR)'],
      ['store(0x8048000, 1)', 'the area at 0x8048000 does not allow the access (SEGV_ACCERR)'],
      ['let p = mmap(0)\nstore(p, 1)', 'nothing is mapped at 0xffffffea (SEGV_MAPERR): that is -EINVAL, as a call that failed answers'],
      ['load(0xc0000000)', 'nothing is mapped at 0xc0000000 (SEGV_MAPERR)'],
    ];
    for (const [body, why] of cases) {
      const line = body.split('\n').length + 2;
      assert.equal(process(body), `test.pagewalk:${line}:1: p (pid 1) was ended by SIGSEGV: ${why}.`, body);
    }
  });

  it('on x86_64 too, where some addresses are none at all', () => {
    const machine = 'machine { arch x86_64 memory 64MiB }\n';
    assert.equal(said(`${machine}process p { store(0xffff810000000000, 1) }`), 'test.pagewalk:2:13: p (pid 1) was ended by SIGSEGV: nothing is mapped at 0xffff810000000000 (SEGV_MAPERR).');
    assert.equal(said(`${machine}process p { store(0x900000000000, 1) }`), 'test.pagewalk:2:13: p (pid 1) was ended by SIGSEGV: the processor has no such address (general protection).');
    assert.equal(said(`${machine}process p { store(-12, 1) }`), 'test.pagewalk:2:13: p (pid 1) was ended by SIGSEGV: nothing is mapped at 0xfffffffffffffff4 (SEGV_MAPERR): that is -ENOMEM, as a call that failed answers.');
  });

  it('is blamed on the statement in the `def` that made the access', () => {
    assert.equal(said('process p {\n  let a = 0\n  poke(a)\n}\ndef poke(a) {\n  store(a, 1)\n}'), 'test.pagewalk:7:3: p (pid 1) was ended by SIGSEGV: nothing is mapped at 0x0 (SEGV_MAPERR).');
  });

  it('is told for twenty processes, and of more how many', () => {
    const lines = said('process p times 22 { load(0) }').split('\n');
    assert.equal(lines.length, 21);
    assert.match(lines[19]!, /p\.19 \(pid 20\) was ended by SIGSEGV/);
    assert.equal(lines[20], 'test.pagewalk: and 2 processes more.');
  });

  it('is nobody\'s fault when kill() sent it, or `dies` announced it, for forks too', () => {
    assert.equal(said(`
      process p dies SIGSEGV { fork c { store(0, 1) } wait c print(processes.c.signal, processes.c.si_code, processes.c.si_addr) store(4, 1) print("never") }
      process q { let c = fork d { sleep 1s print("never") } sleep 1ms kill(c, SIGTERM) wait d print(processes.d.signal, now < 2ms) kill(getpid(), SIGKILL) print("never") }`), '11 1 0\n15 true');
    assert.equal(said('process p dies SIGSEGV { fork c { store(0, 1) } wait c }'), '');
  });

  it('that was announced must come, and no other', () => {
    assert.equal(said('process p dies SIGSEGV { }'), 'test.pagewalk: p (pid 1) was to be ended by SIGSEGV, and exited.');
    assert.equal(said('process p dies SIGTERM { kill(getpid(), SIGKILL) }'), 'test.pagewalk: p (pid 1) was to be ended by SIGTERM, and was ended by SIGKILL.');
    assert.equal(said('process p dies SIGBUS { store(0, 1) }'), 'test.pagewalk:2:25: p (pid 1) was ended by SIGSEGV: nothing is mapped at 0x0 (SEGV_MAPERR).');
  });

  it('ends whoever sleeps, waits or waits for its turn', () => {
    assert.equal(said(`
      process sleeper { sleep 1min print("never") }
      process waiter { wait sleeper2 print("never") }
      process sleeper2 at 5ms { }
      process ready after sleeper2 { print("ready ran") }
      process killer uid 0 { kill(processes.sleeper.pid, SIGKILL) kill(processes.waiter.pid, SIGTERM) print(kill(processes.sleeper.pid, SIGKILL), now < 1ms) }
      expect processes.sleeper.signal == SIGKILL && processes.waiter.signal == SIGTERM && now < 10ms`),
    '0 true\nready ran\nheld: processes.sleeper.signal == SIGKILL && processes.waiter.signal == SIGTERM && now < 10ms');
  });

  it('may not be sent to others\' processes, nor does it harm kernel threads', () => {
    assert.equal(said(`
      process mine { print(kill(processes.theirs.pid, SIGTERM) == -EPERM) }
      process theirs uid 5 { sleep 1ms print("lives") }
      process root uid 0 { kill(processes.k.pid, SIGKILL) }
      kernel k { sleep 1ms print("k lives") }`), 'true\nlives\nk lives');
  });

  it('comes from the C library where a pointer cannot be right, with its words', () => {
    const { output, machine } = run('process p dies SIGABRT { let a = malloc(10) let b = malloc(10) free(a) free(a) print("never") }');
    assert.deepEqual(output.map(({ kind, task, text, at }) => [kind, task, text.slice(0, 47), at.line]), [['print', 'p', '*** glibc detected *** /bin/p: double free or c', 2]]);
    assert.equal(machine.k.tasks[1]!.signal, 6);
  });

  it('ends a process for which there is no memory, and the log says so', () => {
    const ran = run('process p { let a = mmap(100MiB, flags: MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE) touch a .. a + 100MiB write print("never") }\nprocess q uid 0 at 0ns { sysctl("vm.overcommit_memory", 1) }'.replace('process p {', 'process p at 1ms {'));
    assert.match(blamed(ran).join('\n'), /^test\.pagewalk:2:\d+: p \(pid 1\) was ended by SIGKILL: there was no memory for it\. See the kernel log \(--log\)\.$/);
    assert.ok(log_lines(ran.machine.k, 0).some(({ text }) => text === 'VM: killing process p'));
  });
});

describe('exit', () => {
  it('ends a process from anywhere, with a code', () => {
    assert.equal(said('process p { f(3) print("never") }\ndef f(n) { if n == 0 { exit 7 } f(n - 1) }\nexpect processes.p.exit_code == 7 && processes.p.signal == 0 && processes.p.state == "Z"'),
      'held: processes.p.exit_code == 7 && processes.p.signal == 0 && processes.p.state == "Z"');
  });

  it('gives all memory back', () => {
    assert.equal(said(`
      process p { let a = mmap(1MiB) touch a .. a + 1MiB fork c { touch a .. a + 1MiB write } }
      expect vmstat.nr_anon_pages == 0 && vmstat.nr_page_table_pages == 0 && meminfo.Committed_AS == 0 && meminfo.AnonPages == 0
      expect processes.p.rss == 256 && processes.c.anon_rss == 256`).replaceAll(/held: .*/g, 'held'), 'held\nheld');
  });
});
