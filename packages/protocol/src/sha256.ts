/**
 * SHA-256 (FIPS 180-4) in plain code, for pages that are served without TLS: browsers give those no `crypto.subtle`, and a
 * reader on a home network should still be able to verify its screen (W-10). Everybody else uses Web Crypto, which is faster.
 */

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8. */
const isPrime = (n: number): boolean => {
  for (let i = 2; i * i <= n; i++) if (n % i === 0) return false;
  return true;
};
const primes = (count: number): number[] => {
  const found: number[] = [];
  for (let n = 2; found.length < count; n++) if (isPrime(n)) found.push(n);
  return found;
};
const fraction = (x: number): number => Math.floor((x - Math.floor(x)) * 2 ** 32) | 0;

const ROUND = Int32Array.from(primes(64), (p) => fraction(Math.cbrt(p)));
const INITIAL = Int32Array.from(primes(8), (p) => fraction(Math.sqrt(p)));

const rotate = (x: number, by: number): number => (x >>> by) | (x << (32 - by));

/** The message, a 1 bit, zeros, and the length in bits, in blocks of 64 bytes. */
const pad = (bytes: Uint8Array): DataView => {
  const padded = new Uint8Array((((bytes.length + 8) >> 6) + 1) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(padded.length - 4, (bytes.length << 3) >>> 0);
  return view;
};

const schedule = (view: DataView, start: number, w: Int32Array): void => {
  for (let i = 0; i < 16; i++) w[i] = view.getInt32(start + i * 4);
  for (let i = 16; i < 64; i++) {
    const a = w[i - 15]!;
    const b = w[i - 2]!;
    const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
    const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
    w[i] = w[i - 16]! + s0 + w[i - 7]! + s1;
  }
};

/** The digest, 32 bytes. */
export const sha256 = (bytes: Uint8Array): Uint8Array => {
  const view = pad(bytes);
  const hash = Int32Array.from(INITIAL);
  const w = new Int32Array(64);
  for (let start = 0; start < view.byteLength; start += 64) {
    schedule(view, start, w);
    let [a, b, c, d, e, f, g, h] = hash as unknown as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i]! + w[i]!) | 0;
      const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((x, i) => (hash[i] = hash[i]! + x));
  }
  const digest = new DataView(new ArrayBuffer(32));
  hash.forEach((x, i) => digest.setInt32(i * 4, x));
  return new Uint8Array(digest.buffer);
};
