import type { Details } from '../../model/message.ts';
import { defined } from '../arn.ts';
import { defineSource } from '../source.ts';
import { at, stringAt } from '../text.ts';

type S3Record = Readonly<Record<string, unknown>>;

/** Amazon S3 notifications. They carry no context: a writer's `x-amz-meta-traceparent` would take a request to read. */
export const s3 = defineSource<{ readonly Records?: unknown }, S3Record>({
  name: 's3',
  system: undefined,
  trigger: 'datasource',
  partialFailures: 'none',
  entries: (event) => {
    const list = event?.Records;
    return Array.isArray(list) && list.length > 0 && isRecord(list[0]) ? list : undefined;
  },
  claims: isRecord,
  layer: { name: 's3', places: [] },
  details: (record) => {
    const sent = Date.parse(stringAt(record, 'eventTime') ?? '');
    const bucket = at(record['s3'], 'bucket');
    return defined<Details>({
      messageId: stringAt(at(record, 'responseElements'), 'x-amz-request-id'),
      sentAt: Number.isNaN(sent) ? undefined : sent,
      destination: stringAt(bucket, 'name'),
      arn: stringAt(bucket, 'arn'),
    });
  },
  body: (record) => JSON.stringify(record),
});

function isRecord(entry: unknown): boolean {
  return at(entry, 'eventSource') === 'aws:s3';
}
