import { X509Certificate } from 'node:crypto';
import { Authority, ENDED } from '../../guarantees/certificates/authority';

const authority = new Authority();
const own = new X509Certificate(authority.certificate);
const issued = (...args: Parameters<Authority['issue']>) =>
  new X509Certificate(authority.issue(...args).certificate);

test('what it issues is signed by it, and for the names that were asked for', () => {
  const leaf = issued('server', { names: ['*.example.com', '127.0.0.1'] });
  expect(leaf.verify(own.publicKey)).toBe(true);
  expect(leaf.verify(new X509Certificate(new Authority().certificate).publicKey)).toBe(false);
  expect(leaf.checkHost('a.example.com')).toBe('*.example.com');
  expect(leaf.checkHost('example.org')).toBeUndefined();
  expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1');
  expect(leaf.ca).toBe(false);
  expect(own.ca).toBe(true);
});

test('it lasts a day, or until it is told, and begins before that', () => {
  const ends = (leaf: X509Certificate) => Date.parse(leaf.validTo);
  expect(ends(issued('client'))).toBeGreaterThan(Date.now());
  const ended = issued('client', { to: ENDED });
  expect(ends(ended)).toBeLessThan(Date.now());
  expect(Date.parse(ended.validFrom)).toBeLessThan(ends(ended));
  expect(issued('a').serialNumber).not.toBe(issued('a').serialNumber);
});
