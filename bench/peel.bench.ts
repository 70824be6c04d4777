import { recordsOf } from '../lib/message/records.ts';
import { extract } from '../lib/propagation/extract.ts';
import type { Bench } from './index.ts';
import { type Case, measure, report } from './measure.ts';

const size = 1024 * 1024;

const nested = (open: string, inner: string, close: string, head = ''): string => {
  const depth = Math.floor((size - inner.length - head.length) / (open.length + close.length));
  return head + open.repeat(depth) + inner + close.repeat(depth);
};

/** SNS in SNS: each layer is text inside text, and worth opening. */
const notifications = (padding = 0): string => {
  let body = JSON.stringify({ trace: 'x'.repeat(padding) });
  for (let depth = 0; depth < 8; depth++) {
    body = JSON.stringify({ Type: 'Notification', TopicArn: 'arn:trace', Message: body });
  }
  return padding === 0 ? notifications(size - body.length) : body;
};

/** Bodies of a megabyte, as hostile or careless senders could make them; none holds a context. */
const bodies = {
  objects: nested('{"a":', '"traceparent"', '}'),
  payloads: nested('{"payload":', '"traceparent"', '}'),
  wide: nested('{"b3":1},', '1]}', '', '{"trace":['),
  notifications: notifications(),
  unnamed: nested('{"a":', '1', '}'),
} as const;

export const bench: Bench = {
  question: 'What does a megabyte of nested JSON cost that pretends to hold a context, against parsing it once?',
  run: async ({ json }) => {
    const results = Object.entries(bodies).flatMap(([name, body]) => {
      const [message] = recordsOf({ Records: [{ messageId: '1', eventSource: 'aws:sqs', body }] });
      if (message === undefined) throw new Error('the event holds no record: nothing to measure');
      const peer = `json-parse/${name}`;
      const cases: Case[] = [
        { case: `tidemark/${name}`, run: () => extract(message) },
        { case: peer, run: () => JSON.parse(body) as unknown },
      ];
      return measure(cases, { unit: 'ms', warmUp: 20, rounds: 15, bytes: false, peers: [peer] });
    });
    report('peel', results, json, [
      'Per message of 1 MiB. What is asked: less than 2.0, the price of parsing it twice. `notifications` are texts within texts, which',
      'one JSON.parse does not open: there the parse of the outermost text alone is what is compared with.',
    ]);
  },
};
