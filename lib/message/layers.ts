import { decodeBinary } from '#tidemark.binary';
import type { Layer, Nested } from '../model/carrier.ts';
import { recordInside } from './inside.ts';
import { datadogPlace, jsonPlaces } from './places.ts';
import { isBusEvent, isBusEventV2, isCloudEvent, isEnvelopeTwin, isNotification, isQueueRecord } from './shapes.ts';
import { defineLayer } from './source.ts';
import { at, attributeText, jsonText, objectAt } from './text.ts';

/**
 * Opens what is nested in a layer: text, base64, bytes or an object that was parsed with the layer around it. One parse at most, and
 * none when no name of any format occurs in the text: most bodies are passed over at the price of one search.
 */
export const open = (
  path: string,
  content: unknown,
  bytesLeft: number,
  names: readonly string[],
): Nested | undefined => {
  if (typeof content === 'string') return openText(path, content, bytesLeft, names);
  if (content instanceof Uint8Array) return openBytes(path, content, bytesLeft, names);
  if (typeof content !== 'object' || content === null) return undefined;
  return openParsed(path, content, 0);
};

/** A single text may not be longer than any service delivers; what is left for the message bounds it too. */
export const maxTextBytes = 1024 * 1024;

const openText = (path: string, text: string, bytesLeft: number, names: readonly string[]): Nested | undefined => {
  // The byte order mark of somebody's file.
  if (text.charCodeAt(0) === 0xfeff) return openText(path, text.slice(1), bytesLeft, names);
  let start = 0;
  while (start < text.length && text.charCodeAt(start) <= 32) start++;
  const head = text.charCodeAt(start);
  if (head !== openBrace && head !== quote && head !== openBracket) return openBase64(path, text, bytesLeft, names);
  if (!mayHold(text, names)) return undefined;
  if (text.length > maxTextBytes) return { path, bytes: 0, refused: `is longer than ${maxTextBytes} characters` };
  if (text.length > bytesLeft) return { path, bytes: 0, refused: 'is more text than one message may cost' };
  try {
    const parsed: unknown = JSON.parse(text);
    // Encoded twice: a JSON string that holds JSON.
    if (typeof parsed === 'string' && head === quote) {
      const inner = parsed.trimStart().startsWith('"')
        ? undefined
        : openText(path, parsed, bytesLeft - text.length, names);
      return inner === undefined ? undefined : { ...inner, bytes: inner.bytes + text.length };
    }
    return typeof parsed === 'object' && parsed !== null ? openParsed(path, parsed, text.length) : undefined;
  } catch {
    return { path, bytes: text.length, refused: 'starts like JSON and is none' };
  }
};

const openBrace = 123;
const openBracket = 91;
const quote = 34;

/** An object, or the only one of a list: of several nobody could say whose context it is. */
const openParsed = (path: string, parsed: object, bytes: number): Nested | undefined => {
  if (!Array.isArray(parsed)) return { path, layer: layerOf(parsed), entry: parsed, bytes };
  const [only] = parsed as unknown[];
  if (parsed.length !== 1 || typeof only !== 'object' || only === null || Array.isArray(only)) return undefined;
  return { path: `${path}.0`, layer: layerOf(only), entry: only, bytes };
};

/** Base64 of an envelope (`C…`, `E…`), of a JSON object (`e…`) or list (`W…`): anything else is not worth decoding. */
const openBase64 = (path: string, text: string, bytesLeft: number, names: readonly string[]): Nested | undefined => {
  const head = text.charCodeAt(0);
  if ((head !== 67 && head !== 69 && head !== 87 && head !== 101) || text.length < 24) return undefined;
  if (!/^[A-Za-z0-9+/_-]{24}/.test(text)) return undefined;
  if (text.length > maxTextBytes * 1.4) return { path, bytes: 0, refused: `is longer than ${maxTextBytes} bytes` };
  if (text.length > bytesLeft) return { path, bytes: 0, refused: 'is more text than one message may cost' };
  return openBytes(path, Buffer.from(text, 'base64'), bytesLeft, names);
};

/** Bytes: JSON as UTF-8, or what `decodeBinary` knows. */
export const openBytes = (
  path: string,
  bytes: Uint8Array,
  bytesLeft: number,
  names: readonly string[],
): Nested | undefined => {
  let start = 0;
  while (start < bytes.length && start < 16 && isSpace(bytes[start] as number)) start++;
  if (bytes[start] === openBrace || bytes[start] === openBracket)
    return openText(path, Buffer.from(bytes).toString('utf8'), bytesLeft, names);
  const decoded = decodeBinary(bytes);
  if (Array.isArray(decoded)) return openAggregate(path, decoded, bytesLeft, names);
  return decoded && { path, layer: envelope, entry: decoded, bytes: bytes.length };
};

/** The only record of an aggregate; of several each has a context of its own, and the function has to take them apart. */
const openAggregate = (
  path: string,
  records: readonly Uint8Array[],
  bytesLeft: number,
  names: readonly string[],
): Nested | undefined => {
  const [only] = records;
  if (only === undefined) return undefined;
  if (records.length === 1) return only[0] === 0xf3 ? undefined : openBytes(`${path}.0`, only, bytesLeft, names);
  return {
    path,
    bytes: 0,
    refused: `is an aggregate of ${records.length} records: take it apart before it is handled`,
  };
};

const isSpace = (byte: number): boolean => byte === 32 || byte === 10 || byte === 13 || byte === 9;

/**
 * Whether any name of any format can be in a text; `race` stands for traceparent, X-B3-TraceId, AWSTraceHeader, x-datadog-trace-id. Payloads in
 * base64 hide the names of what they hold. One pass: a search for each would cost three times that, and most in texts with many quotes.
 */
const mayHold = (text: string, names: readonly string[]): boolean => {
  if (marks.test(text)) return true;
  for (const name of names) if (text.includes(name)) return true;
  return false;
};

const marks = /[rR][aA][cC][eE]|[bB]3|ba(?:se64|ggage)|_(?:tp|datadog)|"(?:ey|Cg|payload")/;

const layerOf = (object: object): Layer => {
  if (isNotification(object)) return notification;
  if (isBusEvent(object)) return busEvent;
  if (isBusEventV2(object)) return busEventV2;
  if (isCloudEvent(object)) return cloudEvent;
  if (isEnvelopeTwin(object)) return envelope;
  if (isQueueRecord(object)) return queueRecord;
  return recordInside(object) ?? json;
};

const attributesOf = (entry: unknown): object | undefined =>
  objectAt(entry, 'MessageAttributes') ?? objectAt(entry, 'messageAttributes');

/** A whole SQS record inside a message: what a pipe without a template, or a dead-letter tool, makes the content of the next one. */
const queueRecord = defineLayer<unknown>({
  name: 'sqs',
  places: [
    { path: 'messageAttributes', values: attributesOf, text: attributeText },
    datadogPlace('messageAttributes', attributesOf, attributeText),
  ],
  within: (entry, bytesLeft, names) => openFirst('', entry, bytesLeft, names),
});

/** An SNS notification, as Lambda gets it under `Sns` and as it stands in the body of an SQS message. */
export const notification = defineLayer<unknown>({
  name: 'sns',
  places: [
    { path: 'MessageAttributes', values: attributesOf, text: attributeText },
    datadogPlace('MessageAttributes', attributesOf, attributeText),
  ],
  within: (entry, bytesLeft, names) => open('Message', at(entry, 'Message'), bytesLeft, names),
});

/** An event of a classic event bus: the context can only be in its detail. */
export const busEvent = defineLayer<unknown>({
  name: 'eb',
  places: jsonPlaces('detail', (entry: unknown) => objectAt(entry, 'detail')),
  within: (entry, bytesLeft, names) => {
    const detail = at(entry, 'detail');
    // A detail that is a plain object was read above; only a wrapping of its own, or text, is opened further.
    if (typeof detail === 'object' && detail !== null && layerOf(detail) === json) {
      return openFirst('detail', detail, bytesLeft, names);
    }
    return open('detail', detail, bytesLeft, names);
  },
});

/** An event of EventBridge v2, delivered with its metadata. */
export const busEventV2 = defineLayer<unknown>({
  name: 'eb',
  places: [{ path: 'Metadata', values: (entry) => objectAt(entry, 'Metadata'), text: jsonText }],
  within: (entry, bytesLeft, names) => open('Data', at(entry, 'Data'), bytesLeft, names),
});

/** Members that other people's wrappings put the message in. */
const members = [
  'body',
  'Body',
  'payload',
  'Payload',
  'requestPayload',
  'input',
  'Input',
  'Execution',
  'BatchInput',
  'data',
  'Data',
  'message',
  'Message',
  'event',
  'value',
  'detail',
  'Sns',
  'metadata',
];

/** The first member that opens, for wrappings that nobody has documented; `path` is where their object stands. */
export const openFirst = (
  path: string,
  object: unknown,
  bytesLeft: number,
  names: readonly string[],
): ReturnType<typeof open> => {
  for (const member of members) {
    const content = at(object, member);
    if (content === undefined || content === null || (typeof content === 'object' && !isWorthOpening(content, names)))
      continue;
    const nested = open(path === '' ? member : `${path}.${member}`, content, bytesLeft, names);
    if (nested !== undefined) return nested;
  }
  // An event of one record inside a message: what Lambda leaves on the dead-letter queue of an asynchronous call.
  const records = at(object, 'Records');
  if (!Array.isArray(records) || records.length !== 1) return undefined;
  return open(path === '' ? 'Records.0' : `${path}.Records.0`, records[0], bytesLeft, names);
};

/** A CloudEvent in structured mode: the distributed-tracing extension stands at the top level. */
export const cloudEvent = defineLayer<unknown>({
  name: 'cloudevent',
  places: [{ path: '', values: (entry) => entry as object, text: jsonText }],
  within: (entry, bytesLeft, names) =>
    at(entry, 'data_base64') === undefined
      ? open('data', at(entry, 'data'), bytesLeft, names)
      : open('data_base64', at(entry, 'data_base64'), bytesLeft, names),
});

/** Our envelope, decoded, or its JSON twin. */
export const envelope = defineLayer<unknown>({
  name: 'envelope',
  // Somebody else's message may have the same two members, and its context beside them.
  places: [
    { path: 'metadata', values: (entry) => objectAt(entry, 'metadata'), text: jsonText },
    ...jsonPlaces('', (entry: unknown) => entry as object).filter(({ path }) => path !== 'metadata'),
  ],
  within: (entry, bytesLeft, names) => open('payload', at(entry, 'payload'), bytesLeft, names),
});

/** Somebody's JSON object. */
export const json = defineLayer<unknown>({
  name: 'json',
  places: jsonPlaces('', (entry: unknown) => (typeof entry === 'object' && entry !== null ? entry : undefined)),
  within: (entry, bytesLeft, names) => openFirst('', entry, bytesLeft, names),
});

/** Whether an object is a known wrapping, or has a key that could lead to a context. */
const isWorthOpening = (object: object, names: readonly string[]): boolean => {
  if (layerOf(object) !== json) return true;
  for (const key in object) {
    if (key === 'headers' || key === 'Records' || members.includes(key) || mayHold(key, names)) return true;
  }
  return false;
};
