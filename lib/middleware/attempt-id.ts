/**
 * The span id of one delivery of one message: known to every later delivery without any store, so that a redelivered message can be
 * linked to its earlier attempt. Of a UUID its first and last 32 bits, moved by the count; of any other id a hash in two halves.
 */
export const attemptId = (messageId: string, receiveCount: number): string => {
  // Nearly every message is delivered once, and has a UUID: two slices of it, and no arithmetic.
  if (messageId.length === 36 && isHex(messageId, 0, 8) && isHex(messageId, 28, 36)) {
    const first = messageId.slice(0, 8);
    const low = messageId.slice(28);
    const id =
      receiveCount === 1
        ? first + low
        : first + hex((Number.parseInt(low, 16) + Math.imul(receiveCount - 1, odd)) >>> 0);
    if (id !== zero) return id;
  }
  let a = 0x811c9dc5;
  let b = 0xcbf29ce4 ^ receiveCount;
  for (let at = 0; at < messageId.length; at++) {
    const code = messageId.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code ^ (a >>> 16), 0x01000193);
  }
  const id = hex((a ^ Math.imul(receiveCount, odd)) >>> 0) + hex(b >>> 0);
  return id === zero ? '0000000000000001' : id;
};

/** Consecutive counts land far from each other, and never on the same id. */
const odd = 0x9e3779b1;

const zero = '0000000000000000';

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const hex = (value: number): string =>
  `${hexOfByte[value >>> 24]}${hexOfByte[(value >>> 16) & 255]}${hexOfByte[(value >>> 8) & 255]}${hexOfByte[value & 255]}`;

const isHex = (text: string, start: number, end: number): boolean => {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if ((code < 48 || code > 57) && (code < 97 || code > 102)) return false;
  }
  return true;
};
