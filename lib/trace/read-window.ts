import type { Bucket } from '../model/ports.ts';
import type { Span } from '../model/span.ts';
import { inTurns } from './in-turns.ts';
import { decodeStored, prefixOf, type WindowClosed } from './window.ts';

export interface WindowReading {
  readonly bucket: Pick<Bucket, 'get' | 'list'>;
  readonly decompress: (bytes: Uint8Array, encoding: string | undefined) => Promise<Uint8Array>;
  readonly sniffEncoding: (bytes: Uint8Array) => string | undefined;
}

/** The spans of a window and partition, in the order of their objects' keys. */
export const readWindow = async (window: WindowClosed, reading: WindowReading): Promise<Span[]> => {
  const { bucket, decompress, sniffEncoding } = reading;
  const bodies = await inTurns(await bucket.list(prefixOf(window)), async (key): Promise<readonly Span[]> => {
    const bytes = await bucket.get(key);
    return bytes === undefined ? [] : decodeStored(key, await decompress(bytes, sniffEncoding(bytes))).spans;
  });
  return bodies.flat();
};
