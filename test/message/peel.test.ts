import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordsOf } from '../../lib/message/records.ts';
import { explain } from '../../lib/propagation/explain.ts';
import { extract, peelLimits } from '../../lib/propagation/extract.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const mebi = 1024 * 1024;

/** A notification of so many characters around a text of so many that holds the context; both may be of several bytes each. */
const nested = (outer: number, inner: number, filler: string) => {
  const text = (size: number, rest: Record<string, unknown>) => {
    const empty = JSON.stringify({ ...rest, pad: '' }).length;
    return JSON.stringify({ ...rest, pad: filler.repeat(size - empty) });
  };
  const Message = text(inner, { traceparent });
  return recordsOf({
    Records: [
      {
        messageId: '1',
        eventSource: 'aws:sqs',
        body: text(outer, { Type: 'Notification', TopicArn: 'arn:aws:sns:eu-west-1:111122223333:t', Message }),
      },
    ],
  })[0] as ReturnType<typeof recordsOf>[number];
};

test('text is opened up to a limit for all layers together; one character more is not, and is told', () => {
  for (const filler of ['x', 'é']) {
    const left = peelLimits.bytes - mebi;
    const fits = nested(mebi, left, filler);
    assert.equal(extract(fits).path, 'sqs.body>sns.Message>json.traceparent');
    const over = nested(mebi, left + 1, filler);
    assert.equal(extract(over).context, undefined);
    assert.deepEqual(
      explain(over).losers.map(({ path, refused }) => [path, refused]),
      [['sqs.body>sns.Message', 'is more text than one message may cost']],
    );
  }
});
