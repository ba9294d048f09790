// A recording of a program's address space that never was: the engine makes one random system call after the other, and its maps are written down
// after each. The judge must infer calls that lead to the same maps. Left out: memory that is moved without ever being touched, and memory that
// becomes writable later: maps does not show that the one was moved, and the other is accounted for.

import type { Kernel } from '../../engine/kernel.ts';
import type { task_struct } from '../../engine/include/sched.ts';
import { MAP_ANONYMOUS, MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE } from '../../engine/include/mman.ts';
import { PAGE_SIZE, virt } from '../../engine/include/types.ts';
import { PHYSICAL_START } from '../../engine/arch/i386/layout.ts';
import { run_to_end } from '../../engine/kernel/sched.ts';
import { proc_maps } from '../../engine/fs/proc/task_mmu.ts';
import { sys_brk, sys_mmap2, sys_munmap } from '../../engine/mm/mmap.ts';
import { mm_of } from '../../engine/mm/mm_struct.ts';
import { sys_mprotect } from '../../engine/mm/mprotect.ts';
import { sys_mremap } from '../../engine/mm/mremap.ts';
import { bootedMachine } from './engine-door.ts';
import { numbers } from './imitation.ts';
import type { Area } from './maps.ts';
import { parseMaps } from './maps.ts';
import type { Recording, Snapshot } from './recording.ts';
import { makeProcess } from './space.ts';

const TEXT = 0x08048000;
const STACK_TOP = 0xc0000000;
const VDSO = 0xb7fff000;

/** A recording of so many calls. */
export function imitateMaps({ seed, steps }: { seed: number; steps: number }): Recording {
  const next = numbers(seed);
  const ram = [{ start: 0, end: 0x9fc00 }, { start: PHYSICAL_START, end: 64 * 2 ** 20 }];
  const k = bootedMachine(ram);
  const { task } = makeProcess(k, { comm: 'init', areas: firstAreas(), files: new Map(), isRandomized: false });
  const snapshots: Snapshot[] = [snapshot(k, task, 's000')];
  for (let i = 1; i <= steps; i++) {
    act(k, task, next);
    snapshots.push(snapshot(k, task, `s${String(i).padStart(3, '0')}`));
  }
  const e820 = ram.map((range) => ` BIOS-e820: ${range.start.toString(16).padStart(16, '0')} - ${range.end.toString(16).padStart(16, '0')} (usable)`);
  const log = [...e820, 'Kernel command line: norandmaps', ...snapshots.map(({ tag }) => `[snapshot ${tag} /proc/self/maps #1]`)];
  return { name: 'maps-imitation', trace: null, log, snapshots };
}

function firstAreas(): Area[] {
  const anonymous = (start: number, end: number, perms: string, path: string): Area => ({ start, end, perms, offset: start, dev: '00:00', ino: 0, path, figures: null });
  const text: Area = { ...anonymous(TEXT, TEXT + 3 * PAGE_SIZE, 'r-xp', '/init'), offset: 0, dev: '00:01', ino: 12 };
  const data: Area = { ...text, start: text.end, end: text.end + PAGE_SIZE, perms: 'rw-p', offset: 2 * PAGE_SIZE };
  return [text, data, anonymous(data.end, data.end + 16 * PAGE_SIZE, 'rw-p', '[heap]'), anonymous(VDSO, VDSO + PAGE_SIZE, 'r-xp', '[vdso]'), anonymous(STACK_TOP - 21 * PAGE_SIZE, STACK_TOP, 'rw-p', '[stack]')];
}

function snapshot(k: Kernel, task: task_struct, tag: string): Snapshot {
  return { tag, files: { self_maps: proc_maps(k, task).replace(new RegExp(`^(${VDSO.toString(16)}-\\S+ \\S+ \\S+ 00:00 0 )$`, 'm'), (line) => `${line.padEnd(49)}[vdso]`) } };
}

/** One random call. */
function act(k: Kernel, task: task_struct, next: (limit: number) => number): void {
  const areas = parseMaps(proc_maps(k, task)).filter(({ start, path }) => start > 0x10000000 && start < VDSO && path === '');
  const area = areas[next(Math.max(1, areas.length))];
  const pages = area === undefined ? 0 : (area.end - area.start) / PAGE_SIZE;
  const from = area === undefined ? 0 : area.start + next(pages) * PAGE_SIZE;
  const length = area === undefined ? 0 : Math.min(area.end - from, (1 + next(pages)) * PAGE_SIZE);
  const mm = mm_of(k, task.mm);
  switch (area === undefined ? 0 : next(6)) {
    case 0: case 1: run_to_end(k, sys_mmap2(k, 0, (1 + next(64)) * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, 0)); break;
    case 2: run_to_end(k, sys_munmap(k, from, length)); break;
    case 3: run_to_end(k, sys_mprotect(k, virt(from), length, [PROT_READ, PROT_READ | PROT_WRITE, 0][next(3)]!)); break;
    case 4: run_to_end(k, sys_brk(k, mm.start_brk + (1 + next(40)) * PAGE_SIZE)); break;
    default:
      if (next(3) === 0) run_to_end(k, sys_mmap2(k, 0, (1 + next(8)) * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_SHARED, 0));
      else run_to_end(k, sys_mremap(k, virt(area!.start), area!.end - area!.start, (1 + next(80)) * PAGE_SIZE, 0, virt(0)));
  }
}
