// @nohooks
// What include/linux/wait.h declares: a queue of tasks that sleep until wake_up is called (kernel/wait.ts).

export interface wait_queue_head_t {
  /** pids, the newest last. */
  task_list: number[];
}
