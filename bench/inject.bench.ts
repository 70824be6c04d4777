import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { inject } from '../lib/propagation/inject.ts';
import { propagation } from '../lib/propagation/propagation.ts';
import type { Bench } from './index.ts';
import { measure, report } from './measure.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const ours = { traceId, spanId: 'b7ad6b7169203331', flags: 1, traceState: undefined };
const theirs = trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: ours.spanId, traceFlags: 1 });

type Attributes = Record<string, { DataType: 'String'; StringValue: string }>;
const setter = {
  set: (carrier: Attributes, name: string, value: string) => {
    carrier[name] = { DataType: 'String', StringValue: flat(value) };
  },
};

/** Concatenations are lazy: sending would flatten them, so every case pays for it here. */
const flat = (text: string): string => {
  Number(text);
  return text;
};

export const bench: Bench = {
  question: 'What does it cost to write a context into the attributes of an SQS message?',
  run: async ({ json }) => {
    const w3c = new W3CTraceContextPropagator();
    const all = propagation({ inject: ['w3c', 'b3', 'xray'] });
    // One setter for all messages, as OpenTelemetry's is one for all carriers.
    let target: Attributes = {};
    const write = (name: string, value: string) => setter.set(target, name, value);
    const results = measure(
      [
        {
          case: 'tidemark',
          run: () => {
            target = {};
            inject(ours, write);
            return target;
          },
        },
        {
          case: 'tidemark/w3c-b3-xray',
          run: () => {
            target = {};
            inject(ours, write, all);
            return target;
          },
        },
        {
          case: 'otel-w3c',
          run: () => {
            const carrier: Attributes = {};
            w3c.inject(theirs, carrier, setter);
            return carrier;
          },
        },
        {
          case: 'limit',
          run: () => {
            const carrier: Attributes = {};
            setter.set(carrier, 'traceparent', `00-${ours.traceId}-${ours.spanId}-01`);
            return carrier;
          },
        },
      ],
      { peers: ['otel-w3c', 'limit'] },
    );
    report('inject', results, json, [
      'Per message, into the shape that SendMessage takes; every value is flattened, as sending would do. `limit` is one concatenation.',
    ]);
  },
};
