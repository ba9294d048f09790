// The door of the debug adapter: runs it, on standard input and output or on a port.

import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { engineFiles } from './engine-files.ts';
import type { EngineFiles } from './engine-files.ts';
import { PagewalkSession } from './session.ts';

export interface AdapterOptions {
  /** Serve any number of sessions on 127.0.0.1 at this port (0: any free one) instead of one on standard input and output. */
  port?: number;
  /** The folder of the bundles; the engine's source lies beside it. */
  dist?: string;
}

/** Done when the session has ended; never on a port. Rejects where the port cannot be had. */
export function runAdapter({ port, dist = __dirname }: AdapterOptions = {}): Promise<void> {
  const files = engineFiles(dist);
  return port === undefined ? serveStreams(files) : servePort(files, port);
}

/** One session on standard input and output. */
function serveStreams(files: EngineFiles): Promise<void> {
  return new Promise((resolve) => {
    const session = new PagewalkSession(files, () => {
      process.stdin.destroy();
      resolve();
    });
    session.start(process.stdin, process.stdout);
  });
}

/** A session for each connection; the address goes to standard output when it can be connected to. */
function servePort(files: EngineFiles, port: number): Promise<void> {
  return new Promise((_, reject) => {
    const server = net.createServer((socket) => {
      socket.setNoDelay();
      const session = new PagewalkSession(files, () => socket.end());
      session.start(socket, socket);
    });
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const { address, port: own } = server.address() as AddressInfo;
      process.stdout.write(`Pagewalk's debug adapter listens on ${address}:${own}\n`);
    });
  });
}
