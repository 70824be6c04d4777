import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { patterns } from './patterns.ts';

/** What the scenario is played against. */
export interface Place {
  readonly endpoint: string;
  /** Whether stack.ts is deployed there. */
  readonly deployed: boolean;
}

export interface Check {
  readonly name: string;
  /** What AWS documents, in a few words. */
  readonly aws: string;
  /** Needs stack.ts: functions, mappings and the bus. */
  readonly needsStack: boolean;
  /** Answers the difference that was seen; undefined where it was as AWS documents. */
  readonly play: (at: Playing) => Promise<string | undefined>;
}

interface Playing {
  readonly sqs: SQSClient;
  readonly events: EventBridgeClient;
  readonly endpoint: string;
  /** Makes a queue and answers its URL. */
  readonly queue: (name: string, attributes?: Readonly<Record<string, string>>) => Promise<string>;
  /** URL of a queue of the deployed stack. */
  readonly own: (name: string) => string;
}

const header = 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1';
const mebibyte = 1_048_576;

const onQueues: readonly Omit<Check, 'needsStack'>[] = [
  {
    name: 'message attributes',
    aws: 'String, Number, Binary and labelled types come back as they were sent, with their digest',
    play: async ({ sqs, queue }) => {
      const QueueUrl = await queue('attributes');
      const bytes = new Uint8Array([0, 255, 128]);
      // The client itself verifies MD5OfMessageAttributes of every answer that has one.
      const { MD5OfMessageAttributes } = await sqs.send(
        new SendMessageCommand({
          QueueUrl,
          MessageBody: 'x',
          MessageAttributes: {
            traceparent: { DataType: 'String', StringValue: 'ä漢🙂' },
            count: { DataType: 'Number', StringValue: '12' },
            raw: { DataType: 'Binary', BinaryValue: bytes },
            labelled: { DataType: 'String.trace', StringValue: 'y' },
          },
        }),
      );
      const [message] = await receive(sqs, QueueUrl);
      const { traceparent, count, raw, labelled } = message?.MessageAttributes ?? {};
      return differences({
        'no MD5OfMessageAttributes': MD5OfMessageAttributes === undefined,
        'multi-byte text changed': traceparent?.StringValue !== 'ä漢🙂',
        'Number changed': count?.StringValue !== '12' || count.DataType !== 'Number',
        'Binary changed': Buffer.compare(raw?.BinaryValue ?? new Uint8Array(), bytes) !== 0,
        'label lost': labelled?.DataType !== 'String.trace',
      });
    },
  },
  {
    name: 'body text',
    aws: 'every character that XML 1.0 knows is taken and comes back, others are refused',
    play: async ({ sqs, queue }) => {
      const QueueUrl = await queue('text');
      const MessageBody = 'tab\t line\n ä 漢 🙂 \u{10FFFD} \uE000 \uFFFD';
      try {
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
      } catch {
        return 'characters beyond the basic plane refused';
      }
      const [message] = await receive(sqs, QueueUrl);
      if (message?.Body !== MessageBody) return 'changed';
      return refused(sqs, { QueueUrl, MessageBody: 'a\u0001' }, 'a control character accepted');
    },
  },
  {
    name: 'eleventh attribute',
    aws: 'refused',
    play: async ({ sqs, queue }) => {
      const MessageAttributes = Object.fromEntries(
        Array.from({ length: 11 }, (_, at) => [`a${at}`, { DataType: 'String', StringValue: 'x' }]),
      );
      return refused(sqs, { QueueUrl: await queue('eleven'), MessageBody: 'x', MessageAttributes }, 'accepted');
    },
  },
  {
    name: 'AWSTraceHeader',
    aws: 'kept beside the attributes and answered when asked for',
    play: async ({ sqs, queue }) => {
      const QueueUrl = await queue('trace-header');
      await sqs.send(
        new SendMessageCommand({
          QueueUrl,
          MessageBody: 'x',
          MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: header } },
        }),
      );
      const [message] = await receive(sqs, QueueUrl);
      const found = message?.Attributes?.['AWSTraceHeader' as never];
      return found === header ? undefined : found === undefined ? 'lost' : 'changed';
    },
  },
  {
    name: 'size limit',
    aws: '1 MiB is taken, a byte more refused',
    play: async ({ sqs, queue }) => {
      const QueueUrl = await queue('size');
      const taken = await sqs
        .send(new SendMessageCommand({ QueueUrl, MessageBody: 'x'.repeat(mebibyte) }))
        .then(() => undefined)
        .catch(() => '1 MiB refused');
      return taken ?? refused(sqs, { QueueUrl, MessageBody: 'x'.repeat(mebibyte + 1) }, 'a byte more accepted');
    },
  },
  {
    name: 'visibility',
    aws: 'a received message is hidden, comes again with a count of 2, and can be shown at once',
    play: async ({ sqs, queue }) => {
      const QueueUrl = await queue('visibility', { VisibilityTimeout: '1' });
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x' }));
      const first = await receive(sqs, QueueUrl);
      const hidden = await receive(sqs, QueueUrl, 0);
      const [second] = await receive(sqs, QueueUrl, 3);
      await sqs.send(
        new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: second?.ReceiptHandle, VisibilityTimeout: 0 }),
      );
      const third = await receive(sqs, QueueUrl, 0);
      return differences({
        'not received': first.length !== 1,
        'not hidden': hidden.length > 0,
        'does not come again': second === undefined,
        'receive count is not 2': second?.Attributes?.ApproximateReceiveCount !== '2',
        'not shown at once': third.length !== 1,
      });
    },
  },
  {
    name: 'dead letters',
    aws: 'after maxReceiveCount receives the message moves on with its id and attributes',
    play: async ({ sqs, queue }) => {
      const dead = await queue('dead-letters');
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({ QueueUrl: dead, AttributeNames: ['QueueArn'] }),
      );
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: Attributes?.['QueueArn'], maxReceiveCount: 1 });
      const QueueUrl = await queue('dies', { VisibilityTimeout: '1', RedrivePolicy });
      const MessageAttributes = { why: { DataType: 'String', StringValue: 'ä' } };
      const { MessageId } = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageAttributes }));
      await receive(sqs, QueueUrl);
      await receive(sqs, QueueUrl, 3);
      const [message] = await receive(sqs, dead, 3);
      return differences({
        'does not move': message === undefined,
        'another id': message !== undefined && message.MessageId !== MessageId,
        'attributes lost': message !== undefined && message.MessageAttributes?.['why']?.StringValue !== 'ä',
      });
    },
  },
  {
    name: 'delay',
    aws: 'a message with DelaySeconds comes after them and not before',
    play: async ({ sqs, queue }) => {
      const QueueUrl = await queue('delay');
      await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', DelaySeconds: 2 }));
      const early = await receive(sqs, QueueUrl, 0);
      const late = await receive(sqs, QueueUrl, 5);
      return differences({ 'comes early': early.length > 0, 'does not come': early.length === 0 && late.length === 0 });
    },
  },
  {
    name: 'FIFO groups',
    aws: 'in order, a group waits for its message in flight, other groups go on, repeats are dropped',
    play: async ({ sqs, queue }) => {
      const QueueUrl = await queue('groups.fifo', { FifoQueue: 'true', VisibilityTimeout: '30' });
      const send = (MessageBody: string, MessageGroupId: string, MessageDeduplicationId = MessageBody) =>
        sqs.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageGroupId, MessageDeduplicationId }));
      await send('a1', 'a');
      await send('a2', 'a');
      await send('b1', 'b');
      await send('again', 'b', 'b1');
      const [first] = await receive(sqs, QueueUrl, 1, 1);
      const second = await receive(sqs, QueueUrl, 1, 10);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
      const third = await receive(sqs, QueueUrl, 1, 10);
      const bodies = (messages: readonly Message[]) => messages.map(({ Body }) => Body).join(' ');
      return differences({
        'not in order': first?.Body !== 'a1',
        'the group does not wait': bodies(second).includes('a2'),
        'another group waits too': !bodies(second).includes('b1'),
        'repeats are kept': bodies([...second, ...third]).includes('again'),
        'the group does not go on': bodies(second).includes('a2') === false && !bodies(third).includes('a2'),
      });
    },
  },
  {
    name: 'MessageGroupId on a standard queue',
    aws: 'taken (fair queues) and answered',
    play: async ({ sqs, queue }) => {
      const QueueUrl = await queue('fair');
      try {
        await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageGroupId: 'tenant' }));
      } catch {
        return 'refused';
      }
      const [message] = await receive(sqs, QueueUrl);
      return message?.Attributes?.MessageGroupId === 'tenant' ? undefined : 'taken and not answered';
    },
  },
  {
    name: 'batches',
    aws: 'ten entries are taken, eleven refused',
    play: async ({ sqs, queue }) => {
      const QueueUrl = await queue('batch');
      const entries = (length: number) => Array.from({ length }, (_, at) => ({ Id: `m${at}`, MessageBody: 'x' }));
      const { Successful = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries: entries(10) }));
      const eleven = await sqs
        .send(new SendMessageBatchCommand({ QueueUrl, Entries: entries(11) }))
        .then(() => true)
        .catch(() => false);
      return differences({ 'ten are not taken': Successful.length !== 10, 'eleven are taken': eleven });
    },
  },
];

interface Seen {
  readonly records: readonly {
    readonly body: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly messageAttributes: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  }[];
  readonly functionName: string;
  readonly remainingMs: number;
}

const onMappings: readonly Omit<Check, 'needsStack'>[] = [
  {
    name: 'record shape',
    aws: 'camelCase attributes with empty lists, AWSTraceHeader among the system attributes, times as text',
    play: async (at) => {
      await at.sqs.send(
        new SendMessageCommand({
          QueueUrl: at.own('jobs'),
          MessageBody: 'shape',
          MessageAttributes: {
            traceparent: { DataType: 'String', StringValue: 'x' },
            raw: { DataType: 'Binary', BinaryValue: new Uint8Array([1, 2]) },
          },
          MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: header } },
        }),
      );
      const [seen] = await seenWith(at, 'shape', 1);
      const record = seen?.records.find(({ body }) => body === 'shape');
      const { traceparent = {}, raw = {} } = record?.messageAttributes ?? {};
      return differences({
        'not handed over': record === undefined,
        'attributes are not camelCase': traceparent['stringValue'] !== 'x' || traceparent['dataType'] !== 'String',
        'binaryValue is not base64': raw['binaryValue'] !== 'AQI=',
        'no stringListValues': !Array.isArray(traceparent['stringListValues']),
        'AWSTraceHeader lost': record?.attributes['AWSTraceHeader'] !== header,
        'SentTimestamp is no text of milliseconds': !/^\d{13}$/.test(String(record?.attributes['SentTimestamp'])),
      });
    },
  },
  {
    name: 'function context',
    aws: 'the function knows its name, and its remaining time counts down from its timeout',
    play: async (at) => {
      await at.sqs.send(new SendMessageCommand({ QueueUrl: at.own('jobs'), MessageBody: 'context' }));
      const [seen] = await seenWith(at, 'context', 1);
      return differences({
        'no name': seen?.functionName !== 'clouds-consumer',
        'remaining time is not below the timeout': !(Number(seen?.remainingMs) <= 2000),
        'remaining time does not count down': seen?.remainingMs === 2000,
      });
    },
  },
  {
    name: 'partial failure',
    aws: 'only the named message comes again, and after maxReceiveCount it is a dead letter',
    play: async (at) => {
      const Entries = ['good-1', 'fail-1', 'good-2'].map((MessageBody, index) => ({ Id: `m${index}`, MessageBody }));
      await at.sqs.send(new SendMessageBatchCommand({ QueueUrl: at.own('jobs'), Entries }));
      const seen = await seenWith(at, 'fail-1', 2);
      const dead = await deadLetter(at, 'fail-1');
      const times = (text: string) => seen.flatMap(({ records }) => records).filter(({ body }) => body === text).length;
      return differences({
        'the failed message does not come again': times('fail-1') < 2,
        'the others come again': times('good-1') > 1 || times('good-2') > 1,
        'no dead letter': !dead,
      });
    },
  },
  {
    name: 'misspelt answer',
    aws: 'counts as success of the whole batch',
    play: async (at) => {
      await at.sqs.send(new SendMessageCommand({ QueueUrl: at.own('jobs'), MessageBody: 'misspell' }));
      const seen = await seenWith(at, 'misspell', 2, 5);
      return seen.length === 1 ? undefined : seen.length === 0 ? 'not handed over' : 'comes again';
    },
  },
  {
    name: 'a function that throws',
    aws: 'its whole batch comes again, then is dead letters',
    play: async (at) => {
      await at.sqs.send(new SendMessageCommand({ QueueUrl: at.own('jobs'), MessageBody: 'throw' }));
      const seen = await seenWith(at, 'throw', 2);
      return differences({
        'does not come again': seen.length < 2,
        'no dead letter': !(await deadLetter(at, 'throw')),
      });
    },
  },
];

const onBus: readonly Omit<Check, 'needsStack'>[] = [
  {
    name: 'TraceHeader of an event',
    aws: 'not on the event; a queue’s message has its trace id with another parent',
    play: async (at) => {
      await put(at, 'plain', { n: 1 }, header);
      const [message] = await receive(at.sqs, at.own('rule-plain'), 5);
      const found = String(message?.Attributes?.['AWSTraceHeader' as never] ?? '');
      return differences({
        'not delivered': message === undefined,
        'on the event': message?.Body?.includes('5759e988') === true,
        'no AWSTraceHeader on the message':
          message !== undefined && !found.includes('1-5759e988-bd862e3fe1be46a994272793'),
        'the parent is the sender’s': found.includes('53995c3f42cd8ad8'),
      });
    },
  },
  {
    name: 'InputPath',
    aws: 'the target gets that part alone',
    play: async (at) => {
      await put(at, 'path', { inner: { a: [1] } });
      const [message] = await receive(at.sqs, at.own('rule-path'), 5);
      return sameJson(message?.Body, { a: [1] });
    },
  },
  {
    name: 'InputTransformer',
    aws: 'the template with its variables, texts quoted and numbers not',
    play: async (at) => {
      await put(at, 'transformed', { id: 'o-1', note: 'a "b"', count: 2 });
      const [message] = await receive(at.sqs, at.own('rule-transformed'), 5);
      return sameJson(message?.Body, { note: 'a "b"', count: 2, from: 'clouds', text: 'order o-1 placed' });
    },
  },
  ...patterns.map(({ name, yes, no }) => ({
    name: `pattern: ${name}`,
    aws: `matches ${yes.map((each) => JSON.stringify(each)).join(', ')} and not ${no.map((each) => JSON.stringify(each)).join(', ')}`,
    play: async (at: Playing) => {
      for (const detail of [...no, ...yes]) await put(at, `pattern-${name}`, detail);
      const got: string[] = [];
      for (let tries = 0; tries < 5 && got.length < yes.length; tries += 1) {
        for (const { Body = '{}' } of await receive(at.sqs, at.own(`rule-pattern-${name}`), 1))
          got.push(JSON.stringify((JSON.parse(Body) as { detail: unknown }).detail));
      }
      const missed = yes.filter((each) => !got.includes(JSON.stringify(each)));
      const wrong = no.filter((each) => got.includes(JSON.stringify(each)));
      return differences({
        [`misses ${missed.map((each) => JSON.stringify(each)).join(', ')}`]: missed.length > 0,
        [`matches ${wrong.map((each) => JSON.stringify(each)).join(', ')}`]: wrong.length > 0,
      });
    },
  })),
];

const marked = (checks: readonly Omit<Check, 'needsStack'>[], needsStack: boolean): Check[] =>
  checks.map((check) => ({ ...check, needsStack }));

export const checks: readonly Check[] = [
  ...marked(onQueues, false),
  ...marked(onMappings, true),
  ...marked(onBus, true),
];

/** What was seen by the name of a check; undefined where nothing differed from what AWS documents. */
export type Differences = ReadonlyMap<string, string | undefined>;

/** Plays every check that the place can take. */
export const playChecks = async (place: Place): Promise<Differences> => {
  const client = {
    endpoint: place.endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
  };
  const sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false });
  const events = new EventBridgeClient(client);
  const playing: Playing = {
    sqs,
    events,
    endpoint: place.endpoint,
    queue: async (name, Attributes = {}) =>
      (await sqs.send(new CreateQueueCommand({ QueueName: `check-${name}`, Attributes: { ...Attributes } })))
        .QueueUrl ?? '',
    own: (name) => `${place.endpoint}/000000000000/clouds-${name}`,
  };
  const seen = new Map<string, string | undefined>();
  const possible = checks.filter(({ needsStack }) => place.deployed || !needsStack);
  // Those of one mapping share its queue and go one after the other; the rest wait for time to pass and do so together.
  const alone = possible.filter((check) => onMappings.some(({ name }) => name === check.name));
  const play = async (check: Check) => {
    seen.set(check.name, await check.play(playing).catch((thrown: Error) => `fails: ${thrown.message.split('\n')[0]}`));
  };
  await Promise.all(possible.filter((check) => !alone.includes(check)).map(play));
  for (const check of alone) await play(check);
  sqs.destroy();
  events.destroy();
  return seen;
};

const receive = async (
  sqs: SQSClient,
  QueueUrl: string,
  WaitTimeSeconds = 2,
  MaxNumberOfMessages = 10,
): Promise<Message[]> => {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      WaitTimeSeconds,
      MaxNumberOfMessages,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    }),
  );
  return Messages;
};

const refused = (sqs: SQSClient, input: SendMessageCommandInput, otherwise: string): Promise<string | undefined> =>
  sqs
    .send(new SendMessageCommand(input))
    .then(() => otherwise)
    .catch(() => undefined);

const put = async ({ events }: Playing, DetailType: string, detail: object, TraceHeader?: string): Promise<void> => {
  const entry = { EventBusName: 'clouds', Source: 'clouds', DetailType, Detail: JSON.stringify(detail) };
  await events.send(new PutEventsCommand({ Entries: [TraceHeader === undefined ? entry : { ...entry, TraceHeader }] }));
};

/** Invocations whose batch had a message of this body, once there are so many or the time is over. */
const seenWith = async (
  { sqs, own }: Playing,
  body: string,
  wanted: number,
  seconds = 12,
): Promise<readonly Seen[]> => {
  const found: Seen[] = [];
  for (let second = 0; second < seconds && found.length < wanted; second += 1) {
    for (const { Body = '{}', ReceiptHandle } of await receive(sqs, own('seen'), 1)) {
      const seen = JSON.parse(Body) as Seen;
      if (seen.records.some((record) => record.body === body)) found.push(seen);
      await sqs.send(new DeleteMessageCommand({ QueueUrl: own('seen'), ReceiptHandle }));
    }
  }
  return found;
};

const deadLetter = async ({ sqs, own }: Playing, body: string): Promise<boolean> => {
  for (let second = 0; second < 8; second += 1) {
    if ((await receive(sqs, own('dead'), 1)).some(({ Body }) => Body === body)) return true;
  }
  return false;
};

/** The names of those that hold. */
const differences = (found: Readonly<Record<string, boolean>>): string | undefined => {
  const named = Object.entries(found).flatMap(([name, holds]) => (holds ? [name] : []));
  return named.length === 0 ? undefined : named.join('; ');
};

const sameJson = (body: string | undefined, wanted: unknown): string | undefined => {
  if (body === undefined) return 'not delivered';
  try {
    return JSON.stringify(JSON.parse(body)) === JSON.stringify(wanted) ? undefined : `is ${body}`;
  } catch {
    return `is no JSON: ${body}`;
  }
};
