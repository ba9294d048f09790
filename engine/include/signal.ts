// @nohooks
// Signals (include/asm-i386/signal.h; the same numbers on x86_64) and where they come from (include/asm-generic/siginfo.h).

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGQUIT = 3;
export const SIGILL = 4;
export const SIGTRAP = 5;
export const SIGABRT = 6;
export const SIGBUS = 7;
export const SIGFPE = 8;
export const SIGKILL = 9;
export const SIGUSR1 = 10;
export const SIGSEGV = 11;
export const SIGUSR2 = 12;
export const SIGPIPE = 13;
export const SIGALRM = 14;
export const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIGCONT = 18;
export const SIGSTOP = 19;
export const SIGTSTP = 20;
export const SIGTTIN = 21;
export const SIGTTOU = 22;
export const SIGURG = 23;
export const SIGWINCH = 28;

/** Signals are numbered 1 … _NSIG; from 32 on they are real-time ones. */
export const _NSIG = 64;

/** Names by number; entry 0 is none. */
export const SIGNAL_NAMES = [
  '', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL', 'SIGUSR1', 'SIGSEGV', 'SIGUSR2', 'SIGPIPE',
  'SIGALRM', 'SIGTERM', 'SIGSTKFLT', 'SIGCHLD', 'SIGCONT', 'SIGSTOP', 'SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGURG', 'SIGXCPU', 'SIGXFSZ', 'SIGVTALRM',
  'SIGPROF', 'SIGWINCH', 'SIGIO', 'SIGPWR', 'SIGSYS',
] as const;

/** A signal's name; a real-time one is `SIGRTMIN+n`. */
export function signal_name(signo: number): string {
  return SIGNAL_NAMES[signo] ?? `SIGRTMIN+${signo - SIGNAL_NAMES.length}`;
}

/** Signals that by default do nothing to a task. */
export const SIG_KERNEL_IGNORE: readonly number[] = [SIGCONT, SIGCHLD, SIGWINCH, SIGURG];
/** Signals that by default stop a task. */
export const SIG_KERNEL_STOP: readonly number[] = [SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU];

// ---- si_code ----------------------------------------------------------------------------------------------------------

/** By kill(). */
export const SI_USER = 0;
/** By the kernel, without more to say: the OOM killer. */
export const SI_KERNEL = 0x80;
/** By the task itself: raise, abort. */
export const SI_TKILL = -6;
/** Of SIGSEGV: nothing is mapped there, or the mapping does not allow the access. */
export const SEGV_MAPERR = 1;
export const SEGV_ACCERR = 2;
/** Of SIGCHLD: the child exited, or a signal ended it. */
export const CLD_EXITED = 1;
export const CLD_KILLED = 2;
/** Of SIGBUS: the address does not exist, as past the end of a mapped file. */
export const BUS_ADRERR = 2;
