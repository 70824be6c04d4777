import type { Random } from '../model/ports.ts';

/** Digits of an id, never all zero. Ids need no secrecy: node:crypto would cost 7 ms at cold start. */
export const randomHex = (random: Random, digits: 16 | 32): string => {
  for (;;) {
    let text = '';
    while (text.length < digits) {
      const word = Math.floor(random() * 2 ** 32);
      text += hexOfByte[word >>> 24];
      text += hexOfByte[(word >>> 16) & 255];
      text += hexOfByte[(word >>> 8) & 255];
      text += hexOfByte[word & 255];
    }
    // All zero is no valid id.
    if (text !== '0000000000000000' && text !== '00000000000000000000000000000000') return text;
  }
};

/** Two digits of each byte: printing 32-bit numbers in base 16 takes the slow way of V8, which cost more than the rest of a span. */
const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
