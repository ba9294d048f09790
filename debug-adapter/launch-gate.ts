// `launch` races with the breakpoint requests: those that come first wait a little for the scenario to be compiled, so that their first answer is
// the true one. A client that launches only after them gets its answers all the same, and `breakpoint` events later.

/** How long the launch is waited for, in ms. */
const PATIENCE = 200;

export class LaunchGate {
  #hasCome = false;
  #isPatient = true;
  #open: () => void = () => undefined;
  #compiled = new Promise<void>((resolve) => (this.#open = resolve));

  /** Whether `launch` has come. */
  get hasCome(): boolean {
    return this.#hasCome;
  }

  /** Compiles the launch's scenario; whoever waits goes on, whether it went well or not. Throws what `compile` throws. */
  pass(compile: () => void): void {
    this.#hasCome = true;
    try {
      compile();
    } finally {
      this.#open();
    }
  }

  /** Done when the scenario is compiled, or when no launch came for a while. */
  async wait(): Promise<void> {
    if (this.#hasCome || !this.#isPatient) return;
    let timer: NodeJS.Timeout | undefined;
    const impatience = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE)));
    await Promise.race([this.#compiled, impatience]);
    clearTimeout(timer);
    this.#isPatient = this.#hasCome;
  }
}
