// What a request is refused with. Everything else that a handler throws is a bug of ours, and the session's guard says so.

/** A refusal with a sentence for people; `showsToUser` asks the client to put it where it cannot be missed. */
export class RequestError extends Error {
  readonly showsToUser: boolean;

  constructor(message: string, options: { showsToUser?: boolean } = {}) {
    super(message);
    this.showsToUser = options.showsToUser ?? false;
  }
}

/** DAP's own word for asking a running machine what only a stopped one can tell. */
export const NOT_STOPPED = 'notStopped';

export function notStopped(): RequestError {
  return new RequestError(NOT_STOPPED);
}
