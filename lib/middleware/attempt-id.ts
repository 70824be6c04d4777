/**
 * The span id of one delivery of one message: known to every later delivery without any store, so that a redelivered message can be
 * linked to its earlier attempt. Of a UUID its first and last 32 bits, moved by the count; of any other id a hash in two halves.
 */
export const attemptId = (messageId: string, receiveCount: number): string => {
  if (messageId.length === 36 && messageId.charCodeAt(23) === 45) {
    const low = (Number.parseInt(messageId.slice(28), 16) + Math.imul(receiveCount, 0x9e3779b1)) >>> 0;
    if (isHex(messageId, 8)) {
      const id = messageId.slice(0, 8) + hex(low);
      if (id !== zero) return id;
    }
  }
  let a = 0x811c9dc5;
  let b = 0xcbf29ce4 ^ receiveCount;
  for (let at = 0; at < messageId.length; at++) {
    const code = messageId.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code ^ (a >>> 16), 0x01000193);
  }
  const id = hex((a ^ Math.imul(receiveCount, 0x9e3779b1)) >>> 0) + hex(b >>> 0);
  return id === zero ? '0000000000000001' : id;
};

const zero = '0000000000000000';

const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

const hex = (value: number): string =>
  `${hexOfByte[value >>> 24]}${hexOfByte[(value >>> 16) & 255]}${hexOfByte[(value >>> 8) & 255]}${hexOfByte[value & 255]}`;

const isHex = (text: string, length: number): boolean => {
  for (let at = 0; at < length; at++) {
    const code = text.charCodeAt(at);
    if ((code < 48 || code > 57) && (code < 97 || code > 102)) return false;
  }
  return true;
};
