import { createHash, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { isIPv4 } from 'node:net';

/** A name and a key. */
export interface Identity {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** A new key (ECDSA, P-256) for a name. */
export function identity(name: string): Identity {
  return { name, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
}

/** What stands in a certificate. */
export interface Content {
  readonly subject: Identity;
  readonly issuer: Identity;
  readonly from: Date;
  readonly to: Date;
  readonly isAuthority: boolean;
  readonly serial: number;
  /**
   * Host names and addresses (IPv4) that it is for.
   * @default - only its subject says whom it names
   */
  readonly names?: readonly string[];
}

/** A real X.509 certificate (RFC 5280) with any dates, which openssl's own commands give only in part. PEM. */
export function certificate({ subject, issuer, from, to, isAuthority, serial, names = [] }: Content): string {
  const algorithm = sequence(oid('2a8648ce3d040302')); // ecdsa-with-SHA256
  const body = sequence(
    tagged(0xa0, integer(2)),
    integer(serial),
    algorithm,
    named(issuer.name),
    sequence(moment(from), moment(to)),
    named(subject.name),
    subject.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(
      0xa3,
      sequence(
        extension('551d13', isAuthority ? sequence(Buffer.from([1, 1, 0xff])) : sequence(), true),
        // keyCertSign and cRLSign, or digitalSignature.
        extension('551d0f', Buffer.from(isAuthority ? [3, 2, 1, 0x06] : [3, 2, 7, 0x80]), true),
        extension('551d0e', tagged(4, keyId(subject)), false),
        extension('551d23', sequence(tagged(0x80, keyId(issuer))), false),
        ...(names.length > 0 ? [extension('551d11', sequence(...names.map(alternative)), false)] : []),
      ),
    ),
  );
  const signature = sign('sha256', body, issuer.privateKey);
  const der = sequence(body, algorithm, tagged(3, Buffer.concat([Buffer.from([0]), signature])));
  return new X509Certificate(der).toString();
}

function tagged(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, ...parts);

const oid = (hex: string): Buffer => tagged(6, Buffer.from(hex, 'hex'));

/** Of a number below 2 ** 31. */
function integer(value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(value, 1);
  let start = 0;
  while (start < 4 && bytes.readUInt8(start) === 0 && bytes.readUInt8(start + 1) < 0x80) start += 1;
  return tagged(2, bytes.subarray(start));
}

function named(name: string): Buffer {
  return sequence(tagged(0x31, sequence(oid('550403'), tagged(0x0c, Buffer.from(name)))));
}

/** UTCTime until 2049, as RFC 5280 wants it. */
function moment(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, '');
  return date.getUTCFullYear() < 2050
    ? tagged(0x17, Buffer.from(digits.slice(2)))
    : tagged(0x18, Buffer.from(digits));
}

function extension(id: string, value: Buffer, isCritical: boolean): Buffer {
  return sequence(oid(id), ...(isCritical ? [Buffer.from([1, 1, 0xff])] : []), tagged(4, value));
}

/** An address, or else a host's name. */
function alternative(name: string): Buffer {
  return isIPv4(name)
    ? tagged(0x87, Buffer.from(name.split('.').map(Number)))
    : tagged(0x82, Buffer.from(name));
}

function keyId({ publicKey }: Identity): Buffer {
  return createHash('sha1')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest();
}
