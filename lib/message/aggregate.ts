import { fieldAt } from './envelope.ts';

/** What the Kinesis Producer Library puts before several records that it sends as one. */
const magic = [0xf3, 0x89, 0x9a, 0xc2] as const;

/** After the protobuf message comes its MD5. */
const digestBytes = 16;

/**
 * The records in an aggregate of the Kinesis Producer Library: protobuf `{ repeated Record records = 3 }` with `Record { bytes data = 3 }`.
 * Undefined where the bytes are none. The digest is not checked: it tells of transport, which Kinesis has done already. Never throws.
 */
export const aggregated = (bytes: Uint8Array): readonly Uint8Array[] | undefined => {
  if (bytes.length <= magic.length + digestBytes || magic.some((byte, at) => bytes[at] !== byte)) return undefined;
  return fieldsOf(bytes.subarray(magic.length, -digestBytes), 26)?.flatMap((record) => fieldsOf(record, 26) ?? []);
};

/** The values of one field; undefined where the bytes are no protobuf message. */
const fieldsOf = (bytes: Uint8Array, tag: number): Uint8Array[] | undefined => {
  const values: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const field = fieldAt(bytes, at);
    if (field === undefined) return undefined;
    if (field.tag === tag) values.push(field.value);
    at = field.end;
  }
  return values;
};
