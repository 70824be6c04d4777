import { envelopeToJson } from '../../message/envelope.ts';
import { attributeText } from '../../message/text.ts';
import type { TraceContext } from '../../model/trace-context.ts';
import { extractFrom } from '../../propagation/extract.ts';
import { inject, injectWithin } from '../../propagation/inject.ts';
import type { Propagation } from '../../propagation/propagation.ts';
import { bytesOf, type Carry, type Injected, type Input } from './client.ts';

/** SQS takes ten; SNS takes more, but drops a message with more than ten at a queue that has raw delivery. */
const maxAttributes = 10;

/** What every attribute costs besides its name and value: the name of its type, `String`. */
const overhead = 6;

export const attributesIn = (entry: Input): Input => (entry['MessageAttributes'] ?? {}) as Input;

/** Names, types and values. */
export const attributesSize = (entry: Input): number => {
  let bytes = 0;
  const attributes = attributesIn(entry);
  for (const name in attributes) {
    const { DataType, StringValue, BinaryValue } = (attributes[name] ?? {}) as Input;
    bytes += bytesOf(name) + bytesOf(DataType) + bytesOf(StringValue) + bytesOf(BinaryValue);
  }
  return bytes;
};

const place = { path: 'MessageAttributes', values: (entry: unknown) => entry as object, text: attributeText };

/** The context that attributes hold already, in any format. A name that is there with rubbish in it is left alone as well. */
export const carriedInAttributes = (entry: Input, using: Propagation): TraceContext | 'unreadable' | undefined => {
  const attributes = attributesIn(entry);
  const present = Object.keys(attributes);
  if (present.length === 0) return undefined;
  const found = extractFrom(attributes, using, place).context;
  if (found !== undefined) return found;
  const marks = new Set(using.writes.map(({ fields }) => fields[0]?.toLowerCase()));
  return present.some((name) => marks.has(name.toLowerCase())) ? 'unreadable' : undefined;
};

/** Plain String attributes in the slots that are free, by priority. Never JSON, whose quotes break SNS filters; never Binary. */
export const injectAttributes = (
  entry: Input,
  { context, baggage, using }: Carry,
  bytes: number,
): Injected & { readonly carries: boolean } => {
  const present = attributesIn(entry);
  const added: Record<string, { DataType: 'String'; StringValue: string }> = {};
  let used = 0;
  const taken = Object.keys(present);
  const room = { taken, slots: maxAttributes - taken.length, bytes, overhead };
  const write = (name: string, value: string): void => {
    added[name] = { DataType: 'String', StringValue: value };
    used += bytesOf(name) + bytesOf(value) + overhead;
  };
  const { written, dropped } = injectWithin(context, room, write, using, baggage);
  const carries = using.writes.some(({ fields }) => fields[0] !== undefined && written.includes(fields[0]));
  if (!carries) return { entry, bytes: 0, dropped, carries };
  return { entry: { ...entry, MessageAttributes: { ...present, ...added } }, bytes: used, dropped, carries };
};

/** The JSON twin of the envelope around a text, if it fits. */
export const injectEnvelope = (entry: Input, body: string, carry: Carry, bytes: number): Injected | undefined => {
  const text = entry[body];
  if (carry.options.envelope !== true || typeof text !== 'string') return undefined;
  const metadata: Record<string, string> = {};
  const set = (name: string, value: string): void => {
    metadata[name] = value;
  };
  inject(carry.context, set, carry.using, carry.baggage);
  const wrapped = envelopeToJson({ payload: Buffer.from(text), metadata });
  const more = bytesOf(wrapped) - bytesOf(text);
  return more > bytes ? undefined : { entry: { ...entry, [body]: wrapped }, bytes: more, dropped: [] };
};
