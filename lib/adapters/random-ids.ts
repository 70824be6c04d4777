import type { Random } from '../model/ports.ts';

/** Digits of an id, never all zero. Ids need no secrecy: node:crypto would cost 7 ms at cold start. */
export const randomHex = (random: Random, digits: 16 | 32): string => {
  for (;;) {
    for (let at = 0; at < digits / 2; at += 4) scratch.writeUInt32BE(Math.floor(random() * 2 ** 32), at);
    const text = scratch.toString('hex', 0, digits / 2);
    // All zero is no valid id; in order of text, every other one of either length comes after 32 zeros.
    if (text > zeros) return text;
  }
};

/** Work space for one id. Its text comes in one piece: put together of its bytes it would be a tree of texts, ten times as large. */
const scratch = Buffer.allocUnsafeSlow(16);

const zeros = '0'.repeat(32);
