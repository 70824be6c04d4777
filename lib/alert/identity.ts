import type { Alert } from '../model/alert.ts';

/** Later episodes rank above earlier ones, and of one episode resolved above firing: a lower rank never follows a higher one. */
export const rankOf = ({ startsAt, status }: Pick<Alert, 'startsAt' | 'status'>): number =>
  Date.parse(startsAt) * 2 + (status === 'resolved' ? 1 : 0);

/** FNV-1a 64 of the UTF-8 bytes, 16 hex digits: short names for long keys. */
export const hashed = (text: string): string => {
  // Two halves of 32 bits: arithmetic on big integers is twenty times slower.
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of Buffer.from(text)) {
    low = (low ^ byte) >>> 0;
    // The prime is 2^40 + 0x1b3.
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + (low << 8) + Math.floor(product / 2 ** 32)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
};

/** Sixteen hex digits that no other delivery has. */
export const newId = (random: () => number): string =>
  [random(), random()]
    .map((part) =>
      Math.floor(part * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    )
    .join('');
