/**
 * The span id of one delivery of one message: known to every later delivery without any store, so that a redelivered message can be
 * linked to its earlier attempt. Of a UUID its first and last 32 bits, moved by the count; of any other id a hash in two halves.
 */
export const attemptId = (messageId: string, receiveCount: number): string => {
  // Nearly every message is delivered once, and has a UUID: sixteen of its digits, as one text.
  if (messageId.length === 36 && gathered(messageId)) {
    if (receiveCount === 1) return scratch.latin1Slice(0, 16);
    const low = (Number.parseInt(messageId.slice(28), 16) + Math.imul(receiveCount - 1, odd)) >>> 0;
    const id = messageId.slice(0, 8) + hex(low);
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

/** Work space for one id: cut and put together again, it would be three texts. */
const scratch = Buffer.allocUnsafeSlow(16) as Buffer & { latin1Slice(start: number, end: number): string };

/** Gathers the first and the last eight digits of a UUID; false when they are not all of them hex, or all of them zero. */
const gathered = (uuid: string): boolean => {
  let digit = 0;
  for (let at = 0; at < 16; at++) {
    const code = uuid.charCodeAt(at < 8 ? at : at + 20);
    if ((code < 48 || code > 57) && (code < 97 || code > 102)) return false;
    scratch[at] = code;
    digit |= code ^ 48;
  }
  return digit !== 0;
};
