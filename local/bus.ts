import { type Call, json, type Reply, type Service } from './gateway.ts';
import { uuid } from './lambda-pool.ts';
import { matches } from './pattern.ts';
import { accountId, region } from './template.ts';
import { type TargetInput, transform } from './transform.ts';

export interface Target extends TargetInput {
  readonly Arn: string;
  readonly DeadLetterConfig?: { readonly Arn?: string };
  readonly SqsParameters?: { readonly MessageGroupId?: string };
}

export interface BusRule {
  readonly name: string;
  readonly arn: string;
  readonly bus: string;
  readonly pattern: unknown;
  readonly targets: readonly Target[];
}

export type BusEvent = Readonly<Record<string, unknown>>;

/** Sends one text to a queue or function by its ARN; rejects when it cannot be delivered. */
export type Deliver = (
  arn: string,
  text: string,
  options?: {
    readonly groupId?: string;
    /** X-Ray text for the `AWSTraceHeader` of a queue's message. */
    readonly traceHeader?: string;
  },
) => Promise<void>;

const maxRequestBytes = 1_048_576;

/**
 * The event bus. As on AWS, `TraceHeader` of an entry is not on the event that targets receive, and a queue's message gets its
 * trace id beside a parent that the bus makes up: a context that must arrive whole travels inside `detail`.
 */
export const eventBus = (options: {
  readonly buses: ReadonlySet<string>;
  readonly rules: readonly BusRule[];
  readonly deliver: Deliver;
  readonly clock: () => number;
  readonly random: () => number;
  readonly onEvent: (bus: string, event: BusEvent) => void;
  readonly log: (line: string) => void;
}): Service => {
  const { buses, rules, deliver, clock, random, onEvent, log } = options;
  const route = async (bus: string, event: BusEvent, traceHeader: string | undefined): Promise<void> => {
    onEvent(bus, event);
    const targets = rules
      .filter((rule) => rule.bus === bus && matches(rule.pattern, event))
      .flatMap((rule) => rule.targets.map((target) => ({ rule, target })));
    await Promise.all(
      targets.map(async ({ rule, target }) => {
        const text = transform(event, target, rule.arn, rule.name);
        const group = target.SqsParameters?.MessageGroupId;
        try {
          await deliver(target.Arn, text, {
            ...(group === undefined ? {} : { groupId: group }),
            ...(traceHeader === undefined ? {} : { traceHeader }),
          });
        } catch (thrown) {
          log(`bus: rule ${rule.name} could not reach ${target.Arn}: ${String(thrown)}`);
          if (target.DeadLetterConfig?.Arn !== undefined) await deliver(target.DeadLetterConfig.Arn, text);
        }
      }),
    );
  };
  const putEvents = async (call: Call): Promise<Reply> => {
    if (call.body.length > maxRequestBytes)
      return refuse('ValidationException', 'Total size of the entries in the request is over the limit.');
    const { Entries = [] } = JSON.parse(call.body.toString()) as { Entries?: Record<string, unknown>[] };
    if (Entries.length === 0 || Entries.length > 10)
      return refuse('ValidationException', `1 to 10 entries, not ${Entries.length}`);
    const results = await Promise.all(
      Entries.map(async (entry) => {
        const bus =
          String(entry['EventBusName'] ?? 'default')
            .split('/')
            .at(-1) ?? 'default';
        const problem = problemOf(entry);
        if (problem !== undefined) return problem;
        // AWS accepts events for a bus that does not exist only to answer with an error in the entry.
        if (!buses.has(bus))
          return { ErrorCode: 'ResourceNotFoundException', ErrorMessage: `Event bus ${bus} does not exist.` };
        const id = uuid(random);
        const at = typeof entry['Time'] === 'number' ? entry['Time'] * 1000 : clock();
        await route(
          bus,
          {
            version: '0',
            id,
            'detail-type': entry['DetailType'],
            source: entry['Source'],
            account: accountId,
            time: new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z'),
            region,
            resources: entry['Resources'] ?? [],
            detail: JSON.parse(String(entry['Detail'])),
          },
          withOwnParent(entry['TraceHeader'], random),
        );
        return { EventId: id };
      }),
    );
    return json({ FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results });
  };
  return async (call) => {
    const operation = String(call.headers['x-amz-target']).split('.')[1];
    return operation === 'PutEvents'
      ? putEvents(call)
      : refuse('NotImplemented', `the embedded bus has no ${operation}; see local/README.md`);
  };
};

/** The root of an X-Ray header with a parent of the bus's own, as targets see it. */
const withOwnParent = (header: unknown, random: () => number): string | undefined => {
  const root = typeof header === 'string' ? /(?:^|;)\s*(Root=1-[0-9a-f]{8}-[0-9a-f]{24})/.exec(header)?.[1] : undefined;
  if (root === undefined) return undefined;
  const sampled = /(?:^|;)\s*(Sampled=[01])/.exec(String(header))?.[1];
  return [
    root,
    `Parent=${uuid(random).replaceAll('-', '').slice(0, 16)}`,
    ...(sampled === undefined ? [] : [sampled]),
  ].join(';');
};

const problemOf = (
  entry: Readonly<Record<string, unknown>>,
): { ErrorCode: string; ErrorMessage: string } | undefined => {
  for (const name of ['Source', 'DetailType', 'Detail']) {
    if (typeof entry[name] !== 'string' || entry[name] === '') {
      return {
        ErrorCode: 'InvalidArgument',
        ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
      };
    }
  }
  try {
    const detail: unknown = JSON.parse(String(entry['Detail']));
    if (typeof detail === 'object' && detail !== null && !Array.isArray(detail)) return undefined;
  } catch {
    // Falls through: the same answer for what is no JSON and for what is no object.
  }
  return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
};

const refuse = (type: string, message: string): Reply => ({
  status: 400,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify({ __type: type, message }),
});
