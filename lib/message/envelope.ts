/**
 * The envelope of `envelope.proto`, written and read by hand: two fields need no generated code. Keys are written in order, so that
 * equal envelopes are equal bytes; fields of later versions are kept and written back.
 */
export interface Envelope {
  readonly payload: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
  /** Fields that this version does not know, with their tags, as they came. */
  readonly unknown?: Uint8Array;
}

/** Bounds of what is read: past them a text of bytes is no envelope. */
export const envelopeLimits = { bytes: 1024 * 1024, entries: 100, keyBytes: 256, valueBytes: 8192 } as const;

export const encodeEnvelope = ({ payload, metadata, unknown }: Envelope): Uint8Array => {
  const parts: Uint8Array[] = [];
  if (payload.length > 0) parts.push(tagged(10, payload));
  for (const key of Object.keys(metadata).sort()) {
    const entry = Buffer.concat([tagged(10, utf8(key)), tagged(18, utf8(metadata[key] ?? ''))]);
    parts.push(tagged(18, entry));
  }
  if (unknown !== undefined) parts.push(unknown);
  return Buffer.concat(parts);
};

/** The envelope, or in words why the bytes are none. Never throws. */
export const decodeEnvelope = (bytes: Uint8Array): Envelope | string => {
  if (bytes.length > envelopeLimits.bytes) return `is longer than ${envelopeLimits.bytes} bytes`;
  let payload: Uint8Array = new Uint8Array(0);
  const metadata: Record<string, string> = Object.create(null);
  const unknown: Uint8Array[] = [];
  let entries = 0;
  for (let at = 0; at < bytes.length; ) {
    const field = fieldAt(bytes, at);
    if (field === undefined) return `has no protobuf field at byte ${at}`;
    if (field.tag === 10) payload = field.value;
    else if (field.tag === 18) {
      if (++entries > envelopeLimits.entries) return `has more than ${envelopeLimits.entries} metadata entries`;
      const entry = entryOf(field.value);
      if (entry === undefined) return `has metadata that is no map<string, string> at byte ${at}`;
      metadata[entry.key] = entry.value;
    } else unknown.push(bytes.subarray(at, field.end));
    at = field.end;
  }
  return unknown.length === 0 ? { payload, metadata } : { payload, metadata, unknown: Buffer.concat(unknown) };
};

/** The JSON twin: `{"payload":"<base64>","metadata":{…}}`. */
export const envelopeToJson = ({ payload, metadata }: Envelope): string =>
  JSON.stringify({
    payload: Buffer.from(payload).toString('base64'),
    metadata: Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1))),
  });

/** A parsed JSON twin as an envelope; undefined when it is none. */
export const envelopeFromJson = (value: unknown): Envelope | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const { payload, metadata } = value as Record<string, unknown>;
  if (typeof payload !== 'string' || typeof metadata !== 'object' || metadata === null) return undefined;
  const texts: Record<string, string> = Object.create(null);
  for (const [key, text] of Object.entries(metadata)) if (typeof text === 'string') texts[key] = text;
  return { payload: Buffer.from(payload, 'base64'), metadata: texts };
};

/** Nanoseconds since the epoch as `x-timestamp` has them: RFC 3339, UTC, nine digits. */
export const formatTimestamp = (nanos: bigint): string => {
  const seconds = (nanos - (((nanos % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n)) / 1_000_000_000n;
  const fraction = nanos - seconds * 1_000_000_000n;
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, -5)}.${fraction.toString().padStart(9, '0')}Z`;
};

/** Nanoseconds since the epoch of an RFC 3339 time; undefined when it is none. More than nine digits are cut. */
export const parseTimestamp = (text: string): bigint | undefined => {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,30}))?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  if (match === null) return undefined;
  const millis = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(millis)) return undefined;
  return BigInt(millis) * 1_000_000n + BigInt((match[2] ?? '').slice(0, 9).padEnd(9, '0'));
};

const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

const tagged = (tag: number, value: Uint8Array): Uint8Array => {
  const head = [tag];
  let length = value.length;
  for (; length > 127; length = Math.floor(length / 128)) head.push((length % 128) | 128);
  head.push(length);
  return Buffer.concat([Uint8Array.from(head), value]);
};

interface Field {
  readonly tag: number;
  readonly value: Uint8Array;
  readonly end: number;
}

const none = new Uint8Array(0);

/** One protobuf field; undefined where there is none. */
export const fieldAt = (bytes: Uint8Array, start: number): Field | undefined => {
  const tag = varintAt(bytes, start);
  if (tag === undefined || tag.value < 8) return undefined;
  const kind = tag.value % 8;
  if (kind === 0) {
    const number = varintAt(bytes, tag.end);
    return number === undefined ? undefined : { tag: tag.value, value: none, end: number.end };
  }
  if (kind === 1 || kind === 5) {
    const end = tag.end + (kind === 1 ? 8 : 4);
    return end > bytes.length ? undefined : { tag: tag.value, value: none, end };
  }
  if (kind !== 2) return undefined;
  const length = varintAt(bytes, tag.end);
  if (length === undefined || length.end + length.value > bytes.length) return undefined;
  const end = length.end + length.value;
  return { tag: tag.value, value: bytes.subarray(length.end, end), end };
};

const varintAt = (bytes: Uint8Array, start: number): { value: number; end: number } | undefined => {
  let value = 0;
  let scale = 1;
  for (let at = start; at < bytes.length && at < start + 10; at++) {
    const byte = bytes[at] as number;
    value += (byte & 127) * scale;
    if (byte < 128) return { value, end: at + 1 };
    scale *= 128;
  }
  return undefined;
};

const entryOf = (bytes: Uint8Array): { key: string; value: string } | undefined => {
  let key = '';
  let value = '';
  for (let at = 0; at < bytes.length; ) {
    const field = fieldAt(bytes, at);
    if (field === undefined) return undefined;
    if (field.tag === 10) {
      if (field.value.length > envelopeLimits.keyBytes) return undefined;
      key = Buffer.from(field.value).toString('utf8');
    }
    if (field.tag === 18) {
      if (field.value.length > envelopeLimits.valueBytes) return undefined;
      value = Buffer.from(field.value).toString('utf8');
    }
    at = field.end;
  }
  return { key, value };
};
