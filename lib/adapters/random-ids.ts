import type { Random } from '../model/ports.ts';

/** Digits of an id, never all zero. */
export type RandomId = (digits: 16 | 32) => string;

/**
 * Ids need no secrecy: node:crypto would cost 7 ms at cold start. They are cut from a text of some thirty: one by one, each would cost
 * three calls into the runtime.
 */
export const randomIds = (random: Random): RandomId => {
  const bytes = Buffer.allocUnsafeSlow(256);
  let text = '';
  let at = 0;
  return (digits) => {
    for (;;) {
      if (at + digits > text.length) {
        for (let word = 0; word < bytes.length; word += 4) bytes.writeUInt32BE(Math.floor(random() * 2 ** 32), word);
        text = bytes.toString('hex');
        at = 0;
      }
      const id = text.slice(at, at + digits);
      at += digits;
      // All zero is no valid id; in order of text, every other one of either length comes after 32 zeros.
      if (id > zeros) return id;
    }
  };
};

const zeros = '0'.repeat(32);
