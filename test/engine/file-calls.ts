// System calls on files as lines, and what each gave behind an arrow. A process is its lines, one call each:
//
//   open /f rw → 3            r w rw, and c O_CREAT, x O_EXCL, t O_TRUNC, a O_APPEND, s O_SYNC, d O_DIRECT
//   read 3 10 → 10            write 3 5000 a → 5000     pread 3 10 4090 → 10     pwrite 3 1 0 b → 1     lseek 3 -1 end → 99
//   mmap A 3 2p rw shared 1p → ok      load A 0 → p     store A 0 x → 0    msync A 2p sync → 0     munmap A 2p → 0     mincore A 2p → 1 0
//   madvise A 2p random → 0            ftruncate 3 9 → 0     fsync 3 → 0     sync → 0     readahead 3 0 9 → 0     fadvise 3 0 9 random → 0
//   fork q → ok   wait q   sleep 5   (ms)   drop 1   (drop_caches)
//
// Sizes are bytes, `4k` KiB, `2p` pages; an error is its name, a signal ends the lines. Looking, which is no call of the process:
//
//   see 3 4090 8 → p*6 0*2    what pread gives: p a byte that nobody wrote, 0 zero, else the letter      disk /f 0 8 → p*8   after a power cut now
//   cached /f → 0-3 9         dirty /f → 0       size /f → 4096        blocks /f → 0-1=0 4=9              pos 3 → 10   window 3 → 32
//   requests → 1              that disks have to do
//   windows → 0+4 4+8         what was read ahead since it was last asked; the first one begins to look

import assert from 'node:assert/strict';
import type { Kernel } from '../../engine/kernel.ts';
import type { Wait } from '../../engine/kernel/sched.ts';
import type { MachineConfig } from '../../engine/config.ts';
import type { DiskConfig } from '../../engine/include/blkdev.ts';
import type { inode } from '../../engine/include/mm_types.ts';
import type { VirtAddr } from '../../engine/include/types.ts';
import type { Body, TestTask } from './tasks.ts';
import * as errno from '../../engine/include/errno.ts';
import * as fadvise from '../../engine/include/fadvise.ts';
import { O_APPEND, O_CREAT, O_DIRECT, O_EXCL, O_RDONLY, O_RDWR, O_SYNC, O_TRUNC, O_WRONLY } from '../../engine/include/fs.ts';
import {
  MADV_DONTNEED, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, MS_ASYNC, MS_SYNC, PROT_READ, PROT_WRITE,
} from '../../engine/include/mman.ts';
import { PG_dirty } from '../../engine/include/page-flags.ts';
import { signal_name } from '../../engine/include/signal.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { drop_caches_sysctl_handler } from '../../engine/fs/drop_caches.ts';
import { file_byte } from '../../engine/fs/file_bytes.ts';
import { power_cut_image } from '../../engine/fs/flat.ts';
import { sys_close, sys_ftruncate, sys_open } from '../../engine/fs/open.ts';
import { sys_lseek, sys_pread64, sys_pwrite64, sys_read, sys_write } from '../../engine/fs/read_write.ts';
import { sys_fsync, sys_sync } from '../../engine/fs/sync.ts';
import { wait_for_tasks } from '../../engine/kernel/exit.ts';
import { do_fork } from '../../engine/kernel/fork.ts';
import { current_task, schedule_timeout } from '../../engine/kernel/sched.ts';
import { radix_tree_gang_lookup } from '../../engine/lib/radix-tree.ts';
import { set_tracing, trace_records } from '../../engine/trace/events.ts';
import { sys_fadvise64_64, sys_readahead } from '../../engine/mm/fadvise.ts';
import { sys_madvise } from '../../engine/mm/madvise.ts';
import { test_page_flag } from '../../engine/mm/mem_map.ts';
import { current_mm, file_of, inode_of } from '../../engine/mm/mm_struct.ts';
import { sys_mincore } from '../../engine/mm/mincore.ts';
import { find_vma, sys_mmap, sys_munmap } from '../../engine/mm/mmap.ts';
import { sys_msync } from '../../engine/mm/msync.ts';
import { copy_from_user, copy_to_user, load_user, store_user } from '../../engine/mm/user_memory.ts';
import { MS, testDisk } from './block-notation.ts';
import { runs } from './page-cache.ts';
import { runLawfully, user } from './processes.ts';

const OPEN: Record<string, number> = { c: O_CREAT, x: O_EXCL, t: O_TRUNC, a: O_APPEND, s: O_SYNC, d: O_DIRECT };
const ADVICE: Record<string, number> = {
  normal: fadvise.POSIX_FADV_NORMAL, random: fadvise.POSIX_FADV_RANDOM, sequential: fadvise.POSIX_FADV_SEQUENTIAL,
  willneed: fadvise.POSIX_FADV_WILLNEED, dontneed: fadvise.POSIX_FADV_DONTNEED, noreuse: fadvise.POSIX_FADV_NOREUSE,
};
const MADVICE: Record<string, number> = { random: MADV_RANDOM, sequential: MADV_SEQUENTIAL, willneed: MADV_WILLNEED, dontneed: MADV_DONTNEED };
const BUFFER = 4 << 20;

/** A machine with one disk and these files on it, by path and size in bytes. */
export function onDisk(files: Readonly<Record<string, number>>, disk: Partial<DiskConfig> = {}): Partial<MachineConfig> {
  return { disks: [testDisk(disk)], files: Object.entries(files).map(([path, size]) => ({ path, size, disk: 'sda' })) };
}

/** What a task that runs lines keeps: its own buffer, and the mappings of all, by name. */
interface Caller {
  k: Kernel;
  buffer: VirtAddr;
  mappings: Map<string, VirtAddr>;
  /** The first event that `windows` has not seen. */
  since: number;
}

type Call = (at: Caller, args: string[]) => Generator<Wait, string, void>;

/** Runs processes, each given as its lines with what they give, and sees that they give that; every law holds between two tasks. Processes that
 *  another one forks have a name that begins with `+`; `others` are tasks of the test's own. The machine, for more. */
export function check(
  processes: Readonly<Record<string, string>>, config: Partial<MachineConfig>, end: (k: Kernel) => void = () => undefined,
  others: readonly TestTask[] = [],
): Kernel {
  const actual: Record<string, string[]> = {};
  const mappings = new Map<string, VirtAddr>();
  const bodies = Object.entries(processes).map(([name, text]): [string, Body] => [name, bodyOf(linesOf(text), actual[name] = [], mappings)]);
  const forks = Object.fromEntries(bodies.filter(([name]) => name.startsWith('+')).map(([name, body]) => [name.slice(1), body]));
  const tasks = bodies.filter(([name]) => !name.startsWith('+')).map(([name, body]) => user(name, body));
  const ran = runLawfully([...tasks, ...others], config, forks);
  assert.deepEqual([actual, ran.end], [
    Object.fromEntries(Object.entries(processes).map(([name, text]) => [name, linesOf(text)])), { reason: 'ended', message: '', waiting: [] },
  ]);
  assert.deepEqual(leftOpen(ran.k), []);
  end(ran.k);
  return ran.k;
}

/** Buffers of pages that have left the cache, open files, and inodes that somebody still refers to or counts as written or run: none, when all tasks
 *  have ended. */
function leftOpen(k: Kernel): string[] {
  const inodes = k.inodes.filter((inode) => inode !== null);
  const cached = new Set(inodes.flatMap(({ page_tree }) => radix_tree_gang_lookup(page_tree, 0, Infinity).map(({ page }) => page)));
  const buffers = k.buffer_heads.flatMap((bh) => (bh === null || cached.has(bh.b_page) ? [] : [`buffer ${bh.id}`]));
  const files = buffers.concat(k.files.flatMap((file) => (file === null ? [] : [`file ${file.id}`])));
  return files.concat(inodes.filter(({ i_count, i_writecount }) => i_count !== 0 || i_writecount !== 0).map(({ path }) => path));
}

function linesOf(text: string): string[] {
  return text.split('\n').map((line) => line.trim()).filter((line) => line !== '');
}

function bodyOf(lines: readonly string[], actual: string[], mappings: Map<string, VirtAddr>): Body {
  return function* body(k, task) {
    const at: Caller = { k, buffer: virt(0), mappings, since: 0 };
    for (const line of lines) {
      const words = line.split(' → ')[0]!.split(' ');
      const call = CALLS[words[0]!];
      assert.ok(call !== undefined, `no call ${words[0]}`);
      let result = yield* call(at, words.slice(1));
      if (task.pending.length > 0) result = signal_name(task.pending[0]!.signo);
      actual.push([words.join(' '), ...(result === '' ? [] : [result])].join(' → '));
      if (task.pending.length > 0) return;
    }
  };
}

/** `3`, `4k`, `2p`, `-1`. */
function bytes(word: string): number {
  const unit = { k: 1024, p: PAGE_SIZE }[word.at(-1)!];
  return unit === undefined ? Number(word) : Number(word.slice(0, -1)) * unit;
}

const ERRORS = new Map(Object.entries(errno).map(([name, value]) => [value, name]));

function shown(result: number): string {
  return result < 0 ? ERRORS.get(-result) ?? String(result) : String(result);
}

function openFlags(letters: string): number {
  const mode = letters.startsWith('rw') ? O_RDWR : letters.startsWith('w') ? O_WRONLY : O_RDONLY;
  return [...letters].reduce((flags, letter) => flags | (OPEN[letter] ?? 0), mode);
}

/** The process's own buffer, made at its first use: full of a letter where there is one. */
function* buffer(at: Caller, length: number, letter = ''): Generator<Wait, VirtAddr, void> {
  if (at.buffer === 0) at.buffer = virt(yield* sys_mmap(at.k, 0, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  if (letter !== '') yield* copy_to_user(at.k, at.buffer, new Uint8Array(length).fill(letter.charCodeAt(0)));
  return at.buffer;
}

function inodeAt(k: Kernel, path: string): inode {
  return inode_of(k, k.dcache.get(path)!);
}

function pagesOf(k: Kernel, path: string, accept: (page: number) => boolean): string {
  return runs(radix_tree_gang_lookup(inodeAt(k, path).page_tree, 0, Infinity).filter(({ page }) => accept(page)).map(({ index }) => index));
}

/** Bytes as runs of what they are; a letter that the file had there anyway is what the byte before it is. */
function letters(path: string, offset: number, content: Uint8Array): string {
  const names: string[] = [];
  for (const [i, byte] of content.entries()) {
    const letter = byte >= 0x61 && byte <= 0x7a ? String.fromCharCode(byte) : '?';
    const isPristine = byte === file_byte(path, offset + i) && names.at(-1) !== letter;
    names.push(byte === 0 ? '0' : isPristine ? 'p' : letter);
  }
  const starts = names.flatMap((name, i) => (name === names[i - 1] ? [] : [i]));
  return starts.map((start, i) => `${names[start]}*${(starts[i + 1] ?? names.length) - start}`).join(' ');
}

function fileOf(k: Kernel, fd: string): ReturnType<typeof file_of> {
  return file_of(k, current_task(k).files[Number(fd)]!);
}

const CALLS: Record<string, Call> = {
  *open({ k }, [path, flags]) { return shown(yield* sys_open(k, path!, openFlags(flags!))); },
  *close({ k }, [fd]) { return shown(yield* sys_close(k, Number(fd))); },
  *read(at, [fd, n]) {
    const buf = yield* buffer(at, 0);
    return shown(yield* sys_read(at.k, Number(fd), buf, bytes(n!)));
  },
  *write(at, [fd, n, letter]) {
    const buf = yield* buffer(at, bytes(n!), letter);
    return shown(yield* sys_write(at.k, Number(fd), buf, bytes(n!)));
  },
  *pread(at, [fd, n, offset]) {
    const buf = yield* buffer(at, 0);
    return shown(yield* sys_pread64(at.k, Number(fd), buf, bytes(n!), bytes(offset!)));
  },
  *pwrite(at, [fd, n, offset, letter]) {
    const buf = yield* buffer(at, bytes(n!), letter);
    return shown(yield* sys_pwrite64(at.k, Number(fd), buf, bytes(n!), bytes(offset!)));
  },
  *readto({ k }, [fd, n, address]) { return shown(yield* sys_read(k, Number(fd), virt(Number(address)), bytes(n!))); },
  *lseek({ k }, [fd, offset, whence]) { return shown(yield* sys_lseek(k, Number(fd), bytes(offset!), ['set', 'cur', 'end'].indexOf(whence!))); },
  *ftruncate({ k }, [fd, n]) { return shown(yield* sys_ftruncate(k, Number(fd), bytes(n!))); },
  *fsync({ k }, [fd]) { return shown(yield* sys_fsync(k, Number(fd))); },
  *sync({ k }) { return shown(yield* sys_sync(k)); },
  *readahead({ k }, [fd, offset, n]) { return shown(yield* sys_readahead(k, Number(fd), bytes(offset!), bytes(n!))); },
  *fadvise({ k }, [fd, offset, n, advice]) {
    return shown(yield* sys_fadvise64_64(k, Number(fd), bytes(offset!), bytes(n!), ADVICE[advice!] ?? 99));
  },
  *mmap(at, [name, fd, n, prot, type, offset]) {
    const rights = PROT_READ | (prot === 'rw' ? PROT_WRITE : 0);
    const made = yield* sys_mmap(at.k, 0, bytes(n!), rights, type === 'shared' ? MAP_SHARED : MAP_PRIVATE, Number(fd), bytes(offset ?? '0'));
    at.mappings.set(name!, virt(made));
    return made < 0 ? shown(made) : 'ok';
  },
  *load({ k, mappings }, [name, offset]) {
    const address = virt(mappings.get(name!)! + bytes(offset!));
    const byte = yield* load_user(k, address);
    if (current_task(k).pending.length > 0) return '';
    const vma = find_vma(k, current_mm(k)!, address)!;
    const { path } = inode_of(k, file_of(k, vma.vm_file).f_inode);
    return letters(path, vma.vm_pgoff * PAGE_SIZE + address - vma.vm_start, Uint8Array.of(byte)).charAt(0);
  },
  *store({ k, mappings }, [name, offset, letter]) {
    return shown(yield* store_user(k, virt(mappings.get(name!)! + bytes(offset!)), letter!.charCodeAt(0)));
  },
  *msync({ k, mappings }, [name, n, how]) { return shown(yield* sys_msync(k, mappings.get(name!)!, bytes(n!), how === 'sync' ? MS_SYNC : MS_ASYNC)); },
  *madvise({ k, mappings }, [name, n, advice]) {
    return shown(yield* sys_madvise(k, mappings.get(name!)!, bytes(n!), MADVICE[advice!]!));
  },
  *munmap({ k, mappings }, [name, n]) { return shown(yield* sys_munmap(k, mappings.get(name!)!, bytes(n!))); },
  *mincore({ k, mappings }, [name, n]) {
    const answer = yield* sys_mincore(k, mappings.get(name!)!, bytes(n!));
    return typeof answer === 'number' ? shown(answer) : answer.join(' ');
  },
  *fork({ k }, [name]) {
    const pid = yield* do_fork(k, { name: name!, comm: name!, program: name! });
    return pid < 0 ? shown(pid) : 'ok';
  },
  *wait({ k }, [name]) {
    yield* wait_for_tasks(k, [name!]);
    return '';
  },
  *sleep({ k }, [ms]) {
    yield* schedule_timeout(k, Number(ms) * MS, 'the test');
    return '';
  },
  *drop({ k }, [what]) {
    drop_caches_sysctl_handler(k, Number(what));
    yield* [];
    return '';
  },
  *see(at, [fd, offset, n]) {
    const buf = yield* buffer(at, 0);
    const got = yield* sys_pread64(at.k, Number(fd), buf, bytes(n!), bytes(offset!));
    if (got < 0) return shown(got);
    const content = new Uint8Array(got);
    yield* copy_from_user(at.k, content, buf);
    return letters(inode_of(at.k, fileOf(at.k, fd!).f_inode).path, bytes(offset!), content);
  },
  *disk({ k }, [path, offset, n]) {
    yield* [];
    const found = power_cut_image(k).find((file) => file.path === path);
    return found === undefined ? 'none' : letters(path!, bytes(offset!), found.bytes(bytes(offset!), bytes(n!)));
  },
  *cached({ k }, [path]) {
    yield* [];
    return pagesOf(k, path!, () => true) || 'none';
  },
  *dirty({ k }, [path]) {
    yield* [];
    return pagesOf(k, path!, (page) => test_page_flag(k, page as never, PG_dirty)) || 'none';
  },
  *requests({ k }) {
    yield* [];
    return String(k.block.disks.reduce((sum, { queue }) => sum + queue.rq.count[0] + queue.rq.count[1], 0));
  },
  *size({ k }, [path]) {
    yield* [];
    return String(inodeAt(k, path!).size);
  },
  *blocks({ k }, [path]) {
    yield* [];
    return inodeAt(k, path!).extents.map(({ index, nr, block }) => `${nr === 1 ? index : `${index}-${index + nr - 1}`}=${block}`).join(' ') || 'none';
  },
  *pos({ k }, [fd]) {
    yield* [];
    return String(fileOf(k, fd!).f_pos);
  },
  *windows(at) {
    yield* [];
    const seen = trace_records(at.k, at.since).filter(({ name }) => name === 'mm_readahead').map(({ args }) => `${args.start}+${args.len}`);
    set_tracing(at.k, 1);
    at.since = at.k.trace.ring.seq;
    return seen.join(' ') || 'none';
  },
  *window({ k }, [fd]) {
    yield* [];
    return String(fileOf(k, fd!).f_ra.ra_pages);
  },
};
