import { digits } from './proto-writer.ts';

/**
 * The snappy block format (google/snappy, format_description.txt) of nothing but literals: its length, then pieces of at most 64 KiB,
 * each after its tag. It saves no bytes; a request is some tens of kilobytes once a minute.
 */
export const snappy = (bytes: Uint8Array): Buffer => {
  const pieces: Uint8Array[] = [Buffer.from(digits(bytes.length))];
  for (let at = 0; at < bytes.length; at += 0x10000) {
    const piece = bytes.subarray(at, at + 0x10000);
    const last = piece.length - 1;
    // Tag 61: the two bytes after it are the length, less one.
    pieces.push(Buffer.from([61 << 2, last & 0xff, last >> 8]), piece);
  }
  return Buffer.concat(pieces);
};
