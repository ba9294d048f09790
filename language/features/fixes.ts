// Quick fixes: what a message itself proposes.

/** The word that a message suggests instead of what it marks, or undefined. */
export function fixFor(message: string): string | undefined {
  return / Did you mean `([^`]+)`\?$/.exec(message)?.[1];
}
