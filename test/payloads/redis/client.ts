import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { seconds } from '../timing';
import type { Network } from './network';
import { password } from './users';

/** A client of the Redis protocol: one command at a time, over TLS. */
export class Client {
  private constructor(private readonly socket: TLSSocket) {}

  static async open(network: Network, ip: string, user: string, port = 6379): Promise<Client> {
    const file = (name: string) => readFileSync(join(network.folder, name));
    const socket = connect({
      host: ip,
      port,
      ca: file('ca.crt'),
      cert: file('tls.crt'),
      key: file('tls.key'),
      checkServerIdentity: () => undefined,
    });
    socket.on('error', () => undefined);
    await within(2000, (resolve, reject) => {
      socket.once('secureConnect', () => resolve(''));
      socket.once('close', () => reject(new Error('closed')));
    }).catch((error: unknown) => {
      socket.destroy();
      throw error;
    });
    const client = new Client(socket);
    const reply = await client.send('AUTH', user, password(user));
    if (!reply.startsWith('+OK')) throw new Error(reply);
    return client;
  }

  /** The raw reply; the commands used here answer in one piece. */
  send(...command: string[]): Promise<string> {
    const words = command.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.socket.write(`*${command.length}\r\n${words.join('')}`);
    return within(2000, (resolve, reject) => {
      this.socket.removeAllListeners('data').removeAllListeners('close');
      this.socket.once('data', (data) => resolve(data.toString()));
      this.socket.once('close', () => reject(new Error('closed')));
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

async function within<T>(
  limit: number,
  executor: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${seconds(limit)}`)), limit);
  });
  return Promise.race([new Promise<T>(executor), late]).finally(() => clearTimeout(timer));
}
