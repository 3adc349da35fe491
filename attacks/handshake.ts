import { connect, type ConnectionOptions } from 'node:tls';
import type { Outcome } from '../acceptance/kubectl';

/** Nobody waits longer for a program on this machine. */
const PATIENCE_MS = 10_000;

/**
 * A TLS handshake and nothing after it: what was sent would meet a closed connection, which hides why it is closed. It has ended
 * well once the server has given a ticket for the next one, which it does not before it knows the client's certificate.
 */
export function handshake(options: ConnectionOptions): Promise<Outcome> {
  return new Promise((done) => {
    const socket = connect({ rejectUnauthorized: false, timeout: PATIENCE_MS, ...options });
    const end = (status: number, stderr: string): void => {
      socket.destroy();
      done({ status, stdout: '', stderr });
    };
    socket.once('session', () => end(0, ''));
    socket.once('timeout', () => end(1, 'no answer'));
    socket.once('close', () => end(1, 'the connection is closed'));
    socket.once('error', ({ message }) => {
      // As every version of OpenSSL says it, somewhere between its own lines' numbers.
      const alert = /alert ([a-z ]+)/.exec(message)?.[1];
      end(1, alert === undefined ? message : `TLS alert: ${alert}`);
    });
  });
}
