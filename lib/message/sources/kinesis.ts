import type { Nested } from '../../model/carrier.ts';
import type { Details } from '../../model/message.ts';
import { defined, nameOf } from '../arn.ts';
import { maxTextBytes, open, openBytes } from '../layers.ts';
import { defineSource } from '../source.ts';
import { at, bytesOf, numberAt, stringAt } from '../text.ts';

type KinesisRecord = Readonly<Record<string, unknown>>;

/** The record proper: under `kinesis` in the Lambda event, flattened by a pipe. */
const inner = (record: KinesisRecord): unknown => record['kinesis'] ?? record;

/** Amazon Kinesis Data Streams: no headers in the protocol, so the context can only be in the data. */
export const kinesis = defineSource<{ readonly Records?: unknown }, KinesisRecord>({
  name: 'kinesis',
  system: 'aws.kinesis',
  trigger: 'datasource',
  partialFailures: 'by-first',
  entries: (event) => {
    const list = event?.Records;
    return Array.isArray(list) && list.length > 0 && isRecord(list[0]) ? list : undefined;
  },
  claims: isRecord,
  layer: {
    name: 'kinesis',
    places: [],
    within: (record, bytesLeft, names) => openData('data', at(inner(record), 'data'), bytesLeft, names),
  },
  details: (record) => {
    const arn = stringAt(record, 'eventSourceARN');
    const arrived = numberAt(inner(record), 'approximateArrivalTimestamp');
    const sequence = stringAt(inner(record), 'sequenceNumber');
    const shard = stringAt(record, 'eventID')?.split(':')[0];
    return defined<Details>({
      failureId: sequence,
      messageId: stringAt(record, 'eventID'),
      groupId: shard,
      // Seconds with a fraction, unlike every other source; a pipe may already have made it milliseconds.
      sentAt: arrived === undefined ? undefined : Math.round(arrived < 1e11 ? arrived * 1000 : arrived),
      destination: nameOf(arn),
      partition: shard,
      offset: sequence,
      arn,
    });
  },
  body: (record) => {
    const data = stringAt(inner(record), 'data');
    return data === undefined ? undefined : Buffer.from(data, 'base64');
  },
});

/** Data that is base64 by contract, though hand-written events and pipes have plain JSON there, and bridges bytes as JSON has them. */
export const openData = (
  path: string,
  data: unknown,
  bytesLeft: number,
  names: readonly string[],
): Nested | undefined => {
  if (typeof data !== 'string' || data.length === 0) {
    // A list of objects, or of one, is somebody's JSON; bytes are numbers.
    const bytes = isBytes(data) ? bytesOf(data, maxTextBytes) : undefined;
    return bytes === undefined ? open(path, data, bytesLeft, names) : openBytes(path, bytes, bytesLeft, names);
  }
  const head = data.trimStart().charAt(0);
  if (head === '{' || head === '"') return open(path, data, bytesLeft, names);
  if (data.length > bytesLeft) return { path, bytes: 0, refused: 'is more text than one message may cost' };
  return openBytes(path, Buffer.from(data, 'base64'), bytesLeft, names);
};

const isBytes = (data: unknown): boolean =>
  (Array.isArray(data) && typeof data[0] === 'number') ||
  (at(data, 'type') === 'Buffer' && Array.isArray(at(data, 'data')));

function isRecord(entry: unknown): boolean {
  return (
    at(entry, 'eventSource') === 'aws:kinesis' ||
    (at(entry, 'eventSource') === undefined && typeof at(at(entry, 'kinesis'), 'data') === 'string')
  );
}
