import { Failure } from '../model/failure.ts';
import type { Objects } from '../model/ports.ts';
import { type Decoded, decodeJson, decodeProto } from './decode.ts';
import { type DecodedLogs, decodeLines, decodeLogRecords, type PackedBody, unfinished } from './decode-log-records.ts';

export interface UnpackPorts {
  /** Objects of other buckets that notifications name. */
  readonly objects: Objects;
  readonly decompress: (bytes: Uint8Array, encoding: string | undefined) => Promise<Uint8Array>;
  readonly sniffEncoding: (bytes: Uint8Array) => string | undefined;
}

/** Queue, topic, bus, notification, object, log line: more wrappers than this around spans are nobody's. */
const maxWrappers = 6;

/**
 * Reads the spans of a record or an object, whatever they are wrapped in: OTLP as protobuf, JSON or JSON lines, `aws/spans` records,
 * stdout envelopes, CloudWatch Logs deliveries; compressed or not, base64 or not; or the notification of an S3 object that holds them,
 * as S3 itself, EventBridge or SNS tell it. `spans` is called once for each readable body and may answer when it has put them away.
 * Rejects when the whole content cannot be read.
 */
export const unpacker = ({ objects, decompress, sniffEncoding }: UnpackPorts) => {
  type Take = (decoded: Decoded, where: string) => Promise<void>;

  const plain = async (bytes: Uint8Array, where: string, take: Take, depth: number): Promise<void> => {
    const encoding = sniffEncoding(bytes);
    const inner = encoding === undefined ? bytes : await decompress(bytes, encoding);
    const first = firstOf(inner);
    if (first === brace) return json(inner, where, take, depth);
    // OTLP protobuf starts with field 1, length-delimited; base64 of anything never does.
    const packed = inner[0] === otlpTag ? undefined : base64Of(inner);
    if (packed !== undefined) return plain(packed, where, take, deeper(depth, where));
    // A gateway may compress what is compressed already.
    if (encoding !== undefined && sniffEncoding(inner) !== undefined)
      return plain(inner, where, take, deeper(depth, where));
    return readable(decodeProto(inner), where, take);
  };

  /** OTLP/JSON is read from its bytes; only what may be something else becomes text. */
  const json = (bytes: Uint8Array, where: string, take: Take, depth: number): Promise<void> =>
    isOtlpJson(textOf(bytes.subarray(0, 256))) && !isLines(bytes)
      ? readable(decodeJson(bytes), where, take)
      : text(textOf(bytes), where, take, depth);

  const text = async (content: string, where: string, take: Take, depth: number): Promise<void> => {
    const document = parse(content);
    if (document === undefined) return spansOr('is not JSON', decodeLines(content.split('\n')), where, take);
    const wrapped = wrappedIn(document);
    if (wrapped?.kind === 'nothing') return;
    if (wrapped?.kind === 'text') return body(wrapped.text, `${where}.${wrapped.at}`, take, deeper(depth, where));
    if (wrapped?.kind === 'logs') return lines(decodeLogRecords(content), where, take);
    if (wrapped?.kind === 'delivery') return logs(wrapped.data, where, take);
    if (wrapped?.kind === 'objects') {
      for (const { bucket, key } of wrapped.objects) await object(bucket, key, take, deeper(depth, where));
      return;
    }
    return spansOr('holds no span', decodeLines([content]), where, take);
  };

  /** A log line that is no span is nothing to try again; a document in which nothing is one is. */
  const spansOr = (reason: string, decoded: DecodedLogs, where: string, take: Take): Promise<void> => {
    const reasons = Object.keys(decoded.refused);
    if (decoded.spans.length === 0 && decoded.packed.length === 0 && !reasons.includes(unfinished)) {
      fail(`${reason} (${reasons.join('; ')})`, where);
    }
    return lines(decoded, where, take);
  };

  const object = async (bucket: string, key: string, take: Take, depth: number): Promise<void> => {
    const where = `s3://${bucket}/${key}`;
    const bytes = await objects(bucket, key);
    if (bytes === undefined) throw new Failure('not-found', 'the object is not there', { where });
    if (bytes.length > 0) await plain(bytes, where, take, depth);
  };

  const lines = async ({ packed, ...decoded }: DecodedLogs, where: string, take: Take): Promise<void> => {
    if (decoded.error !== undefined) fail(decoded.error, where);
    await take(decoded, where);
    for (const each of packed) await take(await envelope(each), `${where} (stdout envelope)`);
  };

  const envelope = async ({ payload, base64, encoding, isProto }: PackedBody): Promise<Decoded> => {
    try {
      const bytes = await decompress(Buffer.from(payload, base64 ? 'base64' : 'utf8'), encoding);
      return isProto && firstOf(bytes) !== brace ? decodeProto(bytes) : decodeJson(bytes);
    } catch (thrown) {
      return { spans: [], refused: { [`stdout envelope: ${Failure.from(thrown).message}`]: 1 }, cut: {} };
    }
  };

  /** `awslogs.data` of a CloudWatch Logs subscription. */
  const logs = async (data: unknown, where: string, take: Take): Promise<void> => {
    const bytes = Buffer.from(typeof data === 'string' ? data : '', 'base64');
    await lines(decodeLogRecords(textOf(await decompress(bytes, 'gzip'))), `${where}.awslogs.data`, take);
  };

  const body = async (content: string | Uint8Array, where: string, take: Take, depth = 0): Promise<void> => {
    if (content.length === 0) fail('is empty', where);
    if (typeof content !== 'string') return plain(content, where, take, depth);
    if (content.trimStart().startsWith('{')) return json(Buffer.from(content), where, take, depth);
    const bytes = base64Text(content);
    if (bytes === undefined) fail('is neither JSON nor base64', where);
    else await plain(bytes, where, take, depth);
  };

  return { body, logs };
};

/** One body that is OTLP and nothing else: unreadable only when nothing of it could be read. */
const readable = async (
  decoded: Decoded,
  where: string,
  take: (decoded: Decoded, where: string) => Promise<void>,
): Promise<void> => {
  if (decoded.error !== undefined && decoded.spans.length === 0) fail(decoded.error, where);
  await take(decoded, where);
};

type Wrapped =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'text'; readonly text: string; readonly at: string }
  | { readonly kind: 'logs' }
  | { readonly kind: 'delivery'; readonly data: unknown }
  | { readonly kind: 'objects'; readonly objects: readonly { readonly bucket: string; readonly key: string }[] };

/** What a JSON document wraps; undefined when it is to be read itself. */
const wrappedIn = (document: Fields): Wrapped | undefined => {
  if (document['Event'] === 's3:TestEvent') return { kind: 'nothing' };
  if (Array.isArray(document['logEvents']) || document['messageType'] === 'CONTROL_MESSAGE') return { kind: 'logs' };
  if (isFields(document['awslogs'])) return { kind: 'delivery', data: document['awslogs']['data'] };
  if (document['Type'] === 'Notification' && typeof document['Message'] === 'string')
    return { kind: 'text', text: document['Message'], at: 'Message' };
  const records = Array.isArray(document['Records']) ? document['Records'] : [document];
  const objects = records.map((record) => notified(isFields(record) ? record : {}));
  return objects.every((each) => each !== undefined) ? { kind: 'objects', objects } : undefined;
};

/** The object of one record of an S3 notification, or of an EventBridge event or its detail. */
const notified = (record: Fields): { readonly bucket: string; readonly key: string } | undefined => {
  const direct = fieldsAt(record, 's3');
  const told = direct ?? fieldsAt(record, 'detail') ?? record;
  const bucket = fieldsAt(told, 'bucket')?.['name'];
  const key = fieldsAt(told, 'object')?.['key'];
  if (typeof bucket !== 'string' || typeof key !== 'string') return undefined;
  return { bucket, key: direct === undefined ? key : unescaped(key) };
};

/** S3 notifications write keys as forms do; EventBridge has them as they are. */
const unescaped = (key: string): string => {
  const spaced = key.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
};

const brace = 0x7b;
const closeBrace = 0x7d;
const otlpTag = 0x0a;

/** The first byte that is no white space. */
const firstOf = (bytes: Uint8Array): number | undefined => {
  let at = 0;
  while (isSpace(bytes[at])) at += 1;
  return bytes[at] === brace && isFramed(bytes) ? bytes[0] : bytes[at];
};

/** A body of 123 bytes starts with `\n{` as a text may; unlike the text it ends, or another one starts, where its length says. */
const isFramed = (bytes: Uint8Array): boolean => {
  if (bytes[0] !== otlpTag) return false;
  const end = 2 + (bytes[1] ?? 0);
  return end === bytes.length || (end < bytes.length && bytes[end] === otlpTag);
};

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');

const isOtlpJson = (start: string): boolean => /^\s*\{\s*"resourceSpans"/.test(start);

/** Whether a first line that ends with `}` is followed by one that starts with `{`: within one document a comma is between them. */
const isLines = (bytes: Uint8Array): boolean => {
  const end = bytes.indexOf(0x0a);
  if (end < 1 || (bytes[end - 1] !== closeBrace && bytes[end - 2] !== closeBrace)) return false;
  let at = end;
  while (isSpace(bytes[at])) at += 1;
  return bytes[at] === brace;
};

const base64Text = (text: string): Buffer | undefined =>
  /^[A-Za-z0-9+/=_\-\s]+$/.test(text) ? Buffer.from(text, 'base64') : undefined;

/** Bytes that are themselves the text of base64. A few are looked at before all are. */
const base64Of = (bytes: Uint8Array): Buffer | undefined =>
  bytes.length >= 4 && base64Text(textOf(bytes.subarray(0, 64))) !== undefined ? base64Text(textOf(bytes)) : undefined;

const deeper = (depth: number, where: string): number => {
  if (depth >= maxWrappers) fail(`is wrapped more than ${maxWrappers} times`, where);
  return depth + 1;
};

const fail = (message: string, where: string): never => {
  throw new Failure('bad-input', message, { where });
};

type Fields = Readonly<Record<string, unknown>>;

const parse = (text: string): Fields | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const fieldsAt = (value: Fields, key: string): Fields | undefined => {
  const inner = value[key];
  return isFields(inner) ? inner : undefined;
};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
