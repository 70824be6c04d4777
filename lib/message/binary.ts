import { aggregated } from './aggregate.ts';
import { decodeEnvelope, type Envelope } from './envelope.ts';

/** Our envelope, whose fields start with 0x0a or 0x12, or the records of an aggregate; undefined for any other bytes. Never throws. */
export const decodeBinary = (bytes: Uint8Array): Envelope | readonly Uint8Array[] | undefined => {
  if (bytes[0] === 0xf3) return aggregated(bytes);
  const decoded = bytes[0] === 10 || bytes[0] === 18 ? decodeEnvelope(bytes) : undefined;
  return typeof decoded === 'string' ? undefined : decoded;
};
