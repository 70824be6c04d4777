import type { Crypto } from '../model/ports.ts';

/** What starts every Ed25519 private key in PKCS#8 (RFC 8410, section 7); the 32 bytes of the seed follow. */
const ed25519Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** node:crypto behind the port. It is loaded at the first call: at cold start it would cost every function 7 ms. */
export const nodeCrypto: Crypto = {
  hmacSha256: (key, message) =>
    process.getBuiltinModule('node:crypto').createHmac('sha256', key).update(message).digest(),
  md5: (bytes) => process.getBuiltinModule('node:crypto').createHash('md5').update(bytes).digest(),
  equal: (a, b) => {
    const { createHash, timingSafeEqual } = process.getBuiltinModule('node:crypto');
    // Digests have one length: the comparison asks for it, and the lengths themselves stay hidden.
    const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
    return timingSafeEqual(digest(a), digest(b));
  },
  ed25519: (seed, message) => {
    const { createPrivateKey, sign } = process.getBuiltinModule('node:crypto');
    const der = Buffer.concat([ed25519Prefix, seed]);
    return sign(null, Buffer.from(message), createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }));
  },
};

/** Names content: the same bytes have the same name, others another. 128 bits of SHA-256 in hex. */
export const contentName = (bytes: Uint8Array): string =>
  process.getBuiltinModule('node:crypto').hash('sha256', bytes, 'hex').slice(0, 32);
