import type { Details } from '../../model/message.ts';
import { defined, nameOf } from '../arn.ts';
import { defineSource } from '../source.ts';
import { at, numberAt, stringAt } from '../text.ts';
import { openData } from './kinesis.ts';

type FirehoseRecord = Readonly<Record<string, unknown>>;

interface FirehoseEvent {
  readonly deliveryStreamArn?: unknown;
  readonly applicationArn?: unknown;
  readonly records?: unknown;
}

/** Amazon Data Firehose, and Kinesis Data Analytics, asking a function to transform records: no headers, so the data. */
export const firehose = defineSource<FirehoseEvent, FirehoseRecord>({
  name: 'firehose',
  system: 'aws.firehose',
  trigger: 'datasource',
  // The answer names every record with its result: what fails is for the function to say.
  partialFailures: 'none',
  entries: (event) => {
    const list = event?.records;
    if (!Array.isArray(list) || list.length === 0) return undefined;
    return list.every(isRecord) ? (list as FirehoseRecord[]) : undefined;
  },
  claims: isRecord,
  layer: {
    name: 'firehose',
    places: [],
    within: (record, bytesLeft, names) => openData('data', record['data'], bytesLeft, names),
  },
  details: (record, event) => {
    const arn = stringAt(event, 'deliveryStreamArn') ?? stringAt(event, 'applicationArn');
    return defined<Details>({
      messageId: stringAt(record, 'recordId'),
      sentAt: numberAt(record, 'approximateArrivalTimestamp'),
      destination: nameOf(arn),
      arn,
    });
  },
  body: (record) => {
    const data = stringAt(record, 'data');
    return data === undefined ? undefined : Buffer.from(data, 'base64');
  },
});

function isRecord(entry: unknown): boolean {
  return typeof at(entry, 'recordId') === 'string' && typeof at(entry, 'data') === 'string';
}
