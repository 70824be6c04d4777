import { context, type Span, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import { inject } from '../propagation/inject.ts';

import { fail, traceContextOf } from './tracing.ts';

/** As much of an AWS SDK v3 client as a plug-in needs; no SDK is imported here. */
interface Client {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: Call) => Promise<unknown>,
        context: { readonly commandName?: string },
      ) => (args: Call) => Promise<unknown>,
      options: { readonly step: 'initialize'; readonly name: string; readonly override: boolean },
    ): void;
  };
}
interface Call {
  readonly input: object;
}

/** SQS allows 10 attributes a message. */
const maxAttributes = 10;

/** Makes a PRODUCER span for every send of an SQS client and puts its context into every message that has none yet. */
export const traceSqs = (client: unknown, options: { readonly tracer: Tracer }): void =>
  plugIn(client as Client, options.tracer, 'aws.sqs', {
    SendMessageCommand: {
      destination: (input) => lastPart(input['QueueUrl']),
      inject: (input, headers) => withAttributes(input, headers),
    },
    SendMessageBatchCommand: {
      destination: (input) => lastPart(input['QueueUrl']),
      inject: (input, headers) => ({
        ...input,
        Entries: list(input['Entries']).map((entry) => withAttributes(entry, headers)),
      }),
    },
  });

/** The same for PutEvents: context goes into `detail._trace` of every entry whose detail is a JSON object without one. */
export const traceEventBridge = (client: unknown, options: { readonly tracer: Tracer }): void =>
  plugIn(client as Client, options.tracer, 'aws.eventbridge', {
    PutEventsCommand: {
      destination: (input) => lastPart(list(input['Entries'])[0]?.['EventBusName']) ?? 'default',
      inject: (input, headers) => ({
        ...input,
        Entries: list(input['Entries']).map((entry) => withDetail(entry, headers)),
      }),
    },
  });

interface Operation {
  readonly destination: (input: Record<string, unknown>) => string | undefined;
  readonly inject: (
    input: Record<string, unknown>,
    headers: Readonly<Record<string, string>>,
  ) => Record<string, unknown>;
}

const plugIn = (
  client: Client,
  tracer: Tracer,
  system: string,
  operations: Readonly<Record<string, Operation>>,
): void =>
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (args) => {
        const operation =
          commandName !== undefined && Object.hasOwn(operations, commandName) ? operations[commandName] : undefined;
        if (operation === undefined) return next(args);
        const input = args.input as Record<string, unknown>;
        const destination = operation.destination(input);
        const span = tracer.startSpan(`send ${destination ?? ''}`.trim(), {
          kind: SpanKind.PRODUCER,
          attributes: {
            'messaging.system.name': system,
            'messaging.operation.name': 'send',
            'messaging.operation.type': 'send',
            ...(destination === undefined ? {} : { 'messaging.destination.name': destination }),
          },
        });
        try {
          const active = trace.setSpan(context.active(), span);
          return await context.with(active, () => next({ ...args, input: injected(operation, input, span) }));
        } catch (thrown) {
          fail(span, thrown);
          throw thrown;
        } finally {
          span.end();
        }
      },
    { step: 'initialize', name: 'tidemarkTraceContext', override: true },
  );

/** Telemetry never fails a send: whatever goes wrong here, the message goes out as the caller made it. */
const injected = (operation: Operation, input: Record<string, unknown>, span: Span): Record<string, unknown> => {
  try {
    return operation.inject(input, headersOf(span));
  } catch {
    return input;
  }
};

const headersOf = (span: Span): Record<string, string> => {
  const headers: Record<string, string> = {};
  inject(traceContextOf(span.spanContext()), (name, value) => {
    headers[name] = value;
  });
  return headers;
};

const withAttributes = (
  entry: Record<string, unknown>,
  headers: Readonly<Record<string, string>>,
): Record<string, unknown> => {
  const present = (entry['MessageAttributes'] ?? {}) as Record<string, unknown>;
  const names = Object.keys(present);
  // A context that is there already is the creation context of a forwarded message and stays.
  if (names.some((name) => name.toLowerCase() === 'traceparent')) return entry;
  const added: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (names.length + Object.keys(added).length >= maxAttributes) break;
    added[name] = { DataType: 'String', StringValue: value };
  }
  return { ...entry, MessageAttributes: { ...present, ...added } };
};

const withDetail = (
  entry: Record<string, unknown>,
  headers: Readonly<Record<string, string>>,
): Record<string, unknown> => {
  const text = entry['Detail'];
  if (typeof text !== 'string') return entry;
  const detail: unknown = JSON.parse(text);
  if (typeof detail !== 'object' || detail === null || Array.isArray(detail)) return entry;
  if (Object.hasOwn(detail, '_trace') || Object.hasOwn(detail, 'traceparent')) return entry;
  // Spliced into the text: a parse and print would change numbers that JavaScript cannot hold.
  const open = text.indexOf('{') + 1;
  const rest = text.slice(open);
  const comma = rest.trimStart().startsWith('}') ? '' : ',';
  return { ...entry, Detail: `${text.slice(0, open)}"_trace":${JSON.stringify(headers)}${comma}${rest}` };
};

const list = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value : []);

const lastPart = (value: unknown): string | undefined =>
  typeof value === 'string' ? value.split(/[/:]/).at(-1) : undefined;
