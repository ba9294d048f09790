// @nohooks
// Laws of the block layer that hold between any two events (KERNEL.md WB-14): one line for each that is broken.

import type { Kernel } from '../kernel.ts';
import type { gendisk, request } from '../include/blkdev.ts';
import { READ, WRITE, bio_data_dir, bio_sectors } from '../include/bio.ts';
import { TASK_RUNNING } from '../include/sched.ts';
import { bdi_read_congested, bdi_write_congested } from './genhd.ts';

/** What is wrong with the disks' queues; nothing where all is well. */
export function check_block(k: Kernel): string[] {
  const problems: string[] = [];
  for (const disk of k.block.disks) {
    const say = (text: string): unknown => problems.push(`${disk.disk_name}: ${text}`);
    for (const req of requests_of(disk)) check_request(disk, req, say);
    check_direction(k, disk, READ, say);
    check_direction(k, disk, WRITE, say);
    check_plug(disk, say);
  }
  return problems;
}

function requests_of({ queue }: gendisk): request[] {
  return queue.active === null ? queue.queue_head : [queue.active, ...queue.queue_head];
}

/** A request is its bios in a row, all of its direction, and no larger than the disk takes. */
function check_request(disk: gendisk, req: request, say: (text: string) => void): void {
  const name = `request ${req.rw === WRITE ? 'W' : 'R'} ${req.sector}+${req.nr_sectors}`;
  let sector = req.sector;
  for (const bio of req.bios) {
    if (bio.bi_sector !== sector || bio_data_dir(bio) !== req.rw) say(`${name} holds a bio of sector ${bio.bi_sector} at ${sector}`);
    sector += bio_sectors(bio);
  }
  if (req.bios.length === 0 || sector !== req.sector + req.nr_sectors) say(`${name} holds bios up to ${sector}`);
  if (req.nr_sectors > disk.queue.max_sectors) say(`${name} is too large`);
}

/** Requests in use are those that wait or are worked at; congestion follows from their number; nobody sleeps while one is free for him. */
function check_direction(k: Kernel, disk: gendisk, rw: 0 | 1, say: (text: string) => void): void {
  const q = disk.queue;
  const count = q.rq.count[rw];
  const used = requests_of(disk).filter((req) => req.rw === rw).length;
  const name = rw === WRITE ? 'writes' : 'reads';
  if (used !== count || count > q.nr_requests) say(`${count} ${name} of ${q.nr_requests} are counted, ${used} are there`);
  const congested = rw === WRITE ? bdi_write_congested(k, disk.id) : bdi_read_congested(k, disk.id);
  if (congested ? count < q.nr_congestion_off : count >= q.nr_congestion_on) say(`${count} ${name}, congested ${congested}`);
  for (const pid of q.rq.wait[rw].task_list.slice(0, q.nr_requests - count)) {
    if (k.tasks[pid]!.state !== TASK_RUNNING) say(`${k.tasks[pid]!.name} sleeps with ${count} ${name} in use`);
  }
}

/** An idle disk with requests is plugged, a working one is not, and each has its timer. */
function check_plug({ queue }: gendisk, say: (text: string) => void): void {
  const { active, complete_at, plugged, unplug_timer, queue_head } = queue;
  if ((plugged !== 0) !== (unplug_timer !== Infinity) || (active !== null) !== (complete_at !== Infinity)) say('a timer is wrong');
  if (plugged !== 0 ? active !== null || queue_head.length === 0 : active === null && queue_head.length > 0) {
    say(`${queue_head.length} requests wait, ${active === null ? 'none' : 'one'} is worked at, plugged ${plugged}`);
  }
}
