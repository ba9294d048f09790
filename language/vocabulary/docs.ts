// One sentence on each word of the language, for hovers and completion. Plain data: no imports.

export interface WordDoc {
  /** How it is written. */
  syntax: string;
  doc: string;
}

export const FORM_DOCS: Readonly<Record<string, WordDoc>> = {
  machine: { syntax: 'machine { … }', doc: 'The emulated machine: its memory, CPUs, disks and settings. Exactly one.' },
  process: { syntax: 'process NAME OPTIONS { … }', doc: 'A user process. It starts at time 0 unless an option says otherwise.' },
  kernel: { syntax: 'kernel NAME OPTIONS { … }', doc: 'A kernel thread: it may call the functions inside the kernel.' },
  boot: { syntax: 'boot { … }', doc: 'Runs before the page allocator exists.' },
  def: { syntax: 'def NAME(a, b) { … return x }', doc: 'A function.' },
  const: { syntax: 'const NAME = value', doc: 'A constant, known before the machine runs.' },
  import: { syntax: 'import "other.pagewalk"', doc: 'The functions and constants of another file.' },
  stop: { syntax: 'stop on EVENT when CONDITION hits N log "text {expr}"', doc: 'A breakpoint that travels with the file: a kernel function, a tracepoint or a named event.' },
  expect: { syntax: 'expect CONDITION "message"', doc: 'Checked when every task has ended; inside a body, at that point.' },
  expects_bug: { syntax: 'expects_bug "text"', doc: 'A kernel BUG or oops whose text holds this is what the scenario is about.' },
};

export const SETTING_DOCS: Readonly<Record<string, WordDoc>> = {
  arch: { syntax: 'arch i386 | x86_64', doc: 'The architecture; i386 unless said.' },
  cpus: { syntax: 'cpus N', doc: 'How many CPUs, 1 to 64; 1 unless said.' },
  memory: { syntax: 'memory SIZE', doc: 'Physical memory, split into zones as the architecture does.' },
  node: { syntax: 'node N { zone NAME SIZE … }', doc: 'A NUMA node with its zones, instead of `memory`.' },
  zone: { syntax: 'zone NAME SIZE', doc: 'A zone of a node.' },
  distance: { syntax: 'distance FROM TO N', doc: 'How far two NUMA nodes are apart; 10 is a node from itself.' },
  reserve: { syntax: 'reserve START .. END', doc: 'Physical memory that the machine never has for use.' },
  disk: { syntax: 'disk NAME { seek TIME  bandwidth RATE }', doc: 'A disk with a file system; it seeks in 8 ms and moves 60 MiB/s unless said.' },
  size: { syntax: 'size SIZE', doc: 'How much the disk holds; 16 GiB, or twice what lies on it, unless said.' },
  seek: { syntax: 'seek TIME', doc: 'How long a request takes that does not continue the one before.' },
  bandwidth: { syntax: 'bandwidth SIZE/s', doc: 'How fast the disk moves data.' },
  fail: { syntax: 'fail read | write A .. B', doc: 'Requests for these blocks, of 4 KiB, end in an I/O error.' },
  file: { syntax: 'file "PATH" SIZE on DISK', doc: 'A file that is there from the start. The files of a disk lie one behind the other, from its block 0 on, in the order of their settings.' },
  swap: { syntax: 'swap NAME SIZE on DISK priority N', doc: 'A swap area, in use from the start.' },
  sysctl: { syntax: 'sysctl NAME = VALUE', doc: 'A setting of the kernel.' },
  cost: { syntax: 'cost NAME TIME', doc: 'How much virtual time something takes.' },
  hz: { syntax: 'hz N', doc: 'Clock ticks a second; 250 unless said.' },
  seed: { syntax: 'seed N', doc: 'Where random numbers start; 1 unless said.' },
};

export const OPTION_DOCS: Readonly<Record<string, WordDoc>> = {
  at: { syntax: 'at TIME', doc: 'When the task starts.' },
  after: { syntax: 'after NAME', doc: 'The task starts when that one has ended.' },
  nice: { syntax: 'nice N', doc: 'From -20 (first) to 19.' },
  uid: { syntax: 'uid N', doc: 'The user; 0 is root, 1000 unless said.' },
  oom_adj: { syntax: 'oom_adj N', doc: 'From -17 (never killed) to 15.' },
  cpu: { syntax: 'cpu N', doc: 'The only CPU that the task runs on.' },
  rlimit_as: { syntax: 'rlimit_as SIZE', doc: 'The most address space it may have.' },
  rlimit_stack: { syntax: 'rlimit_stack SIZE', doc: 'The most stack it may have.' },
  dies: { syntax: 'dies SIGNAL', doc: 'That this signal ends it, or what it forks, is expected.' },
  times: { syntax: 'times N', doc: 'N copies: NAME.0, NAME.1 …' },
};

export const STATEMENT_DOCS: Readonly<Record<string, WordDoc>> = {
  let: { syntax: 'let x = value', doc: 'A variable, known to the end of the block.' },
  if: { syntax: 'if condition { … } else { … }', doc: 'Runs one of two blocks.' },
  while: { syntax: 'while condition { … }', doc: 'Runs a block as long as a condition holds.' },
  for: { syntax: 'for x in a .. b step s { … }', doc: 'Runs a block for each number of a range, or each item of a list.' },
  repeat: { syntax: 'repeat n as i { … }', doc: 'Runs a block n times; i counts from 0.' },
  break: { syntax: 'break', doc: 'Leaves the loop.' },
  continue: { syntax: 'continue', doc: 'Goes on with the next round of the loop.' },
  return: { syntax: 'return value', doc: 'Leaves the function. `return;` has no value.' },
  touch: { syntax: 'touch a .. b write step s', doc: 'One access to each page of a range: a write where it may be written, else a read; `read` and `write` say which.' },
  sleep: { syntax: 'sleep TIME', doc: 'Waits in virtual time.' },
  print: { syntax: 'print(value, …)', doc: 'Prints its arguments.' },
  expect: { syntax: 'expect condition "message"', doc: 'Fails the run when the condition does not hold here.' },
  fork: { syntax: 'fork NAME { … }', doc: 'A child that shares memory copy-on-write; its pid is the value of `let pid = fork NAME { … }`.' },
  wait: { syntax: 'wait NAME', doc: 'Waits until a task, or all own children of that name, have ended; `wait all` waits for every child.' },
  exit: { syntax: 'exit status', doc: 'Ends the task. `exit;` has no status.' },
  breakpoint: { syntax: 'breakpoint', doc: 'Stops a debugger here; nothing in a plain run.' },
};

export const CLAUSE_DOCS: Readonly<Record<string, WordDoc>> = {
  when: { syntax: 'when CONDITION', doc: 'Stops only where this holds; it may read the function\'s parameters or the tracepoint\'s fields.' },
  hits: { syntax: 'hits N', doc: 'Stops at the Nth time.' },
  log: { syntax: 'log "text {expr}"', doc: 'Writes a line instead of stopping.' },
};
