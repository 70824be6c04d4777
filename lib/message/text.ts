/** How the transports spell the values of headers and attributes. Every reader is total: a stranger's value is undefined. */

/** A member of an unknown thing, own or not; undefined when there is none. */
export const at = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** A member that is an object (or array). */
export const objectAt = (value: unknown, key: string): object | undefined => {
  const member = at(value, key);
  return typeof member === 'object' && member !== null ? member : undefined;
};

export const stringAt = (value: unknown, key: string): string | undefined => {
  const member = at(value, key);
  return typeof member === 'string' ? member : undefined;
};

/** A number, or the number that a string spells. */
export const numberAt = (value: unknown, key: string): number | undefined => {
  const member = at(value, key);
  const number = typeof member === 'string' && member !== '' ? Number(member) : member;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
};

/** HTTP header values: a string, or the strings of a repeated header, joined as HTTP joins them. */
export const headerText = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const texts = value.filter((each) => typeof each === 'string');
  return texts.length === 0 ? undefined : texts.join(',');
};

/** SQS and SNS attribute values, of the Lambda event (`stringValue`), of the API (`StringValue`) and of SNS (`Value`). */
export const attributeText = (value: unknown): string | undefined => {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : undefined;
  const plainText = (value as { stringValue?: unknown }).stringValue;
  if (typeof plainText === 'string') return plainText;
  const text = at(value, 'StringValue');
  if (typeof text === 'string') return text;
  const binary = at(value, 'binaryValue') ?? at(value, 'BinaryValue');
  if (binary !== undefined && binary !== null) return bytesText(binary) ?? base64Text(binary);
  const plain = at(value, 'Value') ?? at(value, 'value');
  if (typeof plain !== 'string') return undefined;
  // A data type may carry a label (`Binary.trace`): what counts stands before the first dot.
  const type = stringAt(value, 'Type') ?? stringAt(value, 'type') ?? stringAt(value, 'dataType') ?? '';
  return type === 'Binary' || type.startsWith('Binary.') ? base64Text(plain) : plain;
};

/** Base64 as UTF-8, of header size at most. */
export const base64Text = (value: unknown): string | undefined =>
  typeof value === 'string' && value.length <= maxHeaderBytes * 2
    ? Buffer.from(value, 'base64').toString('utf8')
    : undefined;

/** Longer header values are no context of any format. */
const maxHeaderBytes = 16384;

/** Bytes of header size as text. A string is undefined here: only the transport knows whether that is text or base64. */
export const bytesText = (value: unknown): string | undefined => bytesOf(value, maxHeaderBytes)?.toString('utf8');

/**
 * Bytes in every form that event serialisers have: numbers, signed numbers, decimal strings, an index object of either, a Node Buffer as
 * JSON. Undefined for anything else, and for more than `most`.
 */
export const bytesOf = (value: unknown, most: number): Buffer | undefined => {
  if (value instanceof Uint8Array) return value.length > most ? undefined : Buffer.from(value);
  if (typeof value !== 'object' || value === null) return undefined;
  const data = (value as Record<string, unknown>)['data'];
  const list = Array.isArray(value) ? value : Array.isArray(data) ? data : indexed(value);
  if (list === undefined || list.length > most) return undefined;
  const bytes = Buffer.alloc(list.length);
  for (let index = 0; index < list.length; index++) {
    const item = list[index];
    const byte = typeof item === 'string' && item !== '' ? Number(item) : item;
    if (typeof byte !== 'number' || !Number.isInteger(byte) || byte < -128 || byte > 255) return undefined;
    bytes[index] = byte & 255;
  }
  return bytes;
};

/** The members of an object whose keys are indices, in the order of the indices; undefined when a key is none. */
export const indexed = (value: object): unknown[] | undefined => {
  const keys = Object.keys(value);
  const list: unknown[] = [];
  for (const key of keys) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= keys.length) return undefined;
    list[index] = (value as Record<string, unknown>)[key];
  }
  return list;
};

/** Kafka and AMQP header values: bytes in any form, `{ bytes }` around them, or text. */
export const brokerText = (value: unknown): string | undefined => {
  if (typeof value === 'string') return looksLikeBase64(value) ? base64Text(value) : value;
  if (typeof value === 'number') return String(value);
  const wrapped = at(value, 'bytes');
  if (typeof wrapped === 'string') return looksLikeBase64(wrapped) ? base64Text(wrapped) : wrapped;
  if (wrapped !== undefined) return bytesText(wrapped);
  if (Array.isArray(value) && value.length > 0 && (typeof value[0] === 'object' || isWords(value))) {
    return value.map((each) => brokerText(each) ?? '').join(',');
  }
  return bytesText(value) ?? attributeText(value);
};

/** Texts of a repeated header, and not bytes written as decimal strings. */
const isWords = (list: readonly unknown[]): boolean =>
  list.every((each) => typeof each === 'string' && (each.length > 4 || each === ''));

/**
 * Whether a header's text is base64 of another text: no header of any format is of these digits alone, ids and decisions aside, and none
 * ends in `=`. What it decodes to has to be printable, which bytes that were taken for base64 are not.
 */
const looksLikeBase64 = (text: string): boolean => {
  const isPadded = text.length >= 4 && text.length % 4 === 0 && text.endsWith('=');
  if (!isPadded && (text.length < 20 || /^[0-9A-Fa-f]+$/.test(text))) return false;
  if (text.length > maxHeaderBytes * 2 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return false;
  return /^[ -~]+$/.test(Buffer.from(text, 'base64').toString('latin1'));
};

/** Values in somebody's JSON: text, repeated text, or an attribute as some client wrote it. */
export const jsonText = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'object' || value === null) return undefined;
  return Array.isArray(value) && typeof value[0] === 'string' && (value.length < 16 || value[0].length > 4)
    ? headerText(value)
    : (attributeText(value) ?? stringAt(value, 'S') ?? brokerText(value));
};

/** DynamoDB attribute values. */
export const dynamoText = (value: unknown): string | undefined =>
  stringAt(value, 'S') ?? stringAt(value, 'N') ?? base64Text(at(value, 'B'));
