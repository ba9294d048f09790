// The variables that are known at a place: those of a block, and behind them those of the blocks around it.
import type { Declared } from './declarations.ts';

export class Scope {
  private readonly outer: Scope | undefined;
  private readonly declared = new Map<string, Declared>();

  constructor(outer?: Scope) {
    this.outer = outer;
  }

  /** Declares a variable. Gives the one of the same name that this very block already has; the new one then counts from here on. */
  declare(declared: Declared): Declared | undefined {
    const first = this.declared.get(declared.name);
    this.declared.set(declared.name, declared);
    return first;
  }

  find(name: string): Declared | undefined {
    return this.declared.get(name) ?? this.outer?.find(name);
  }

  /** Every name that can be found from here. */
  names(): string[] {
    return [...this.declared.keys(), ...(this.outer?.names() ?? [])];
  }
}
