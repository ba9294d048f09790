// @tracepoints
// Tracepoints of the block layer: modern names and fields; the queues' congestion is our own (KERNEL.md WB-14). `dev` is major << 20 | minor, `rw` is
// 0 for a read and 1 for a write, where the modern kernel has the text rwbs.

import type { Kernel } from '../kernel.ts';
import { trace_event } from './events.ts';
import { TP } from './tracepoints.ts';

/** A bio reaches the queue of its disk. */
export function trace_block_bio_queue(k: Kernel, dev: number, sector: number, nr_sector: number, rw: number): void {
  trace_event(k, TP.block_bio_queue, dev, sector, nr_sector, rw);
}

/** A bio becomes the end of a queued request. */
export function trace_block_bio_backmerge(k: Kernel, dev: number, sector: number, nr_sector: number, rw: number): void {
  trace_event(k, TP.block_bio_backmerge, dev, sector, nr_sector, rw);
}

/** A bio becomes the beginning of a queued request. */
export function trace_block_bio_frontmerge(k: Kernel, dev: number, sector: number, nr_sector: number, rw: number): void {
  trace_event(k, TP.block_bio_frontmerge, dev, sector, nr_sector, rw);
}

/** Two queued requests became one, this one. */
export function trace_block_rq_merge(k: Kernel, dev: number, sector: number, nr_sector: number, rw: number): void {
  trace_event(k, TP.block_rq_merge, dev, sector, nr_sector, rw);
}

/** A bio gets a request of its own. */
export function trace_block_getrq(k: Kernel, dev: number, sector: number, nr_sector: number, rw: number): void {
  trace_event(k, TP.block_getrq, dev, sector, nr_sector, rw);
}

/** All requests are in use: the submitter sleeps until one is free. */
export function trace_block_sleeprq(k: Kernel, dev: number, sector: number, nr_sector: number, rw: number): void {
  trace_event(k, TP.block_sleeprq, dev, sector, nr_sector, rw);
}

/** The queue waits for company before the disk begins. */
export function trace_block_plug(k: Kernel, dev: number): void {
  trace_event(k, TP.block_plug, dev);
}

/** The disk may begin, with that many requests. */
export function trace_block_unplug(k: Kernel, dev: number, nr_rq: number): void {
  trace_event(k, TP.block_unplug, dev, nr_rq);
}

/** The disk begins a request. */
export function trace_block_rq_issue(k: Kernel, dev: number, sector: number, nr_sector: number, bytes: number, rw: number): void {
  trace_event(k, TP.block_rq_issue, dev, sector, nr_sector, bytes, rw);
}

/** The disk has done a request; error is 0 or a negative errno. */
export function trace_block_rq_complete(k: Kernel, dev: number, sector: number, nr_sector: number, error: number, rw: number): void {
  trace_event(k, TP.block_rq_complete, dev, sector, nr_sector, error, rw);
}

/** So many requests of a direction are in use that the queue counts as congested. */
export function trace_block_congested(k: Kernel, dev: number, rw: number, count: number): void {
  trace_event(k, TP.block_congested, dev, rw, count);
}

/** So few are in use that it no longer does. */
export function trace_block_uncongested(k: Kernel, dev: number, rw: number, count: number): void {
  trace_event(k, TP.block_uncongested, dev, rw, count);
}
