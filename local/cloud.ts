import type { Server } from 'node:http';
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import dynalite from 'dynalite';
import { buildApp } from 'fauxqs';
import { Failure } from '../lib/model/failure.ts';
import { type BusEvent, type BusRule, type Deliver, eventBus, type Target } from './bus.ts';
import { functionUrl } from './function-url.ts';
import { type Call, failure, json, proxyTo, type Reply, type Service, startGateway } from './gateway.ts';
import { type LambdaPool, lambdaPool, type Outcome } from './lambda-pool.ts';
import { type Poller, startPoller } from './poller.ts';
import { startScheduler } from './scheduler.ts';
import { sqsFront } from './sqs-front.ts';
import { type Assembly, accountId, type Resource, readAssembly, region } from './template.ts';

export interface CloudOptions {
  /** Folder of the synthesised assembly. */
  readonly assembly: string;
  /** More environment for every function. */
  readonly env?: Readonly<Record<string, string>>;
  /** Values of secrets and parameters, by reference (`secretsmanager:name`, `ssm:name`). */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Divides schedules and long delays: 30 makes a minute two seconds. @default 1 */
  readonly compress?: number;
  /** Seconds that a received message stays hidden, in place of what its queue declares. @default as declared */
  readonly visibilitySeconds?: number;
  /** Processes of every function that are started at boot. @default 0 */
  readonly provisioned?: number;
  /** Invocations of one function that run at a time, beside what its mappings say. @default 10 */
  readonly concurrency?: number;
  /** Script of another runtime client for every function, such as AWS's own. @default ours */
  readonly runtimeClient?: string;
  readonly clock: () => number;
  readonly random: () => number;
  /** Every line that a function or a part of the cloud prints. */
  readonly log?: (line: string, functionName?: string) => void;
  readonly onEvent?: (bus: string, event: BusEvent) => void;
}

export interface Cloud {
  /** What `AWS_ENDPOINT_URL` is set to. */
  readonly endpoint: string;
  readonly outputs: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** URL and ARN of every queue, by its name. */
  readonly queues: ReadonlyMap<string, { readonly url: string; readonly arn: string }>;
  readonly functions: readonly string[];
  readonly invoke: (functionName: string, payload: string) => Promise<Outcome>;
  /** SIGKILLs a process of the function in the middle of its batch; false when none is at work. */
  readonly killOne: (functionName: string) => boolean;
  readonly stats: () => Readonly<Record<string, ReturnType<LambdaPool['stats']>>>;
  readonly stop: () => Promise<void>;
}

/** Boots what the templates describe on 127.0.0.1, from nothing, in memory. */
export const boot = async (options: CloudOptions): Promise<Cloud> => {
  const { clock, random, env = {}, secrets = {}, compress = 1, concurrency = 10 } = options;
  const log = (line: string, functionName?: string) => options.log?.(line, functionName);
  const closing: (() => Promise<void> | void)[] = [];
  const stop = async () => {
    for (const close of closing.splice(0).reverse()) await close();
  };
  try {
    const faux = buildApp({ logger: false });
    const fauxOrigin = await faux.listen({ port: 0, host: '127.0.0.1' });
    closing.push(() => faux.close());
    const dynamo = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
    await new Promise<void>((done) => dynamo.listen(0, '127.0.0.1', done));
    closing.push(() => new Promise<void>((done) => dynamo.close(() => done())));
    const dynamoOrigin = `http://127.0.0.1:${(dynamo.address() as { port: number }).port}`;

    const pools = new Map<string, LambdaPool>();
    const buses = new Set(['default']);
    const rules: BusRule[] = [];
    let endpoint = '';
    const fauxqs = proxyTo(fauxOrigin);
    const deliver: Deliver = async (arn, text, { groupId, traceHeader } = {}) => {
      const name = arn.split(':').at(-1) ?? '';
      if (arn.includes(':sqs:')) {
        const queue = queues.get(name);
        if (queue === undefined) throw new Failure('not-found', 'no such queue', { where: arn });
        await sqs.send(
          new SendMessageCommand({
            QueueUrl: queue.url,
            MessageBody: text,
            ...(groupId === undefined ? {} : { MessageGroupId: groupId }),
            ...(traceHeader === undefined
              ? {}
              : { MessageSystemAttributes: { AWSTraceHeader: { DataType: 'String', StringValue: traceHeader } } }),
          }),
        );
      } else if (arn.includes(':lambda:')) void pool(name).invoke(text);
      else throw new Failure('bad-input', 'targets are queues and functions', { where: arn });
    };
    const pool = (name: string): LambdaPool => {
      const found = pools.get(name);
      if (found === undefined)
        throw new Failure('not-found', `no such function; there are ${[...pools.keys()].join(', ')}`, { where: name });
      return found;
    };
    const bus = eventBus({
      buses,
      rules,
      deliver,
      clock,
      random,
      log,
      onEvent: (name, event) => options.onEvent?.(name, event),
    });
    const lambda = async (call: Call): Promise<Reply> => {
      const name =
        decodeURIComponent(call.path.split('/')[3] ?? '')
          .split(':')
          .at(-1) ?? '';
      if (!pools.has(name)) return failure(404, 'ResourceNotFoundException', `Function not found: ${name}`);
      const clientContext = call.headers['x-amz-client-context'];
      const outcome = pool(name).invoke(call.body.toString() || 'null', {
        ...(typeof clientContext === 'string'
          ? { clientContext: Buffer.from(clientContext, 'base64').toString() }
          : {}),
      });
      if (call.headers['x-amz-invocation-type'] === 'Event') return { status: 202, headers: {}, body: '' };
      const done = await outcome;
      if (done.ok) return { status: 200, headers: { 'content-type': 'application/json' }, body: done.answer };
      return {
        status: 200,
        headers: { 'content-type': 'application/json', 'x-amz-function-error': 'Unhandled' },
        body: JSON.stringify({ errorType: done.errorType, errorMessage: done.errorMessage }),
      };
    };
    const gateway = await startGateway({
      targets: {
        AmazonSQS: sqsFront(fauxqs, () => endpoint),
        DynamoDB_20120810: proxyTo(dynamoOrigin),
        AWSEvents: bus,
        secretsmanager: secretService(secrets),
        AmazonSSM: parameterService(secrets),
      },
      lambda,
      others: fauxqs,
    });
    endpoint = gateway.endpoint;
    closing.push(() => close(gateway.server));

    const client = { endpoint, region, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
    const sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false });
    const queues = new Map<string, { url: string; arn: string }>();
    const urls = new Map<string, string>();
    const assembly = readAssembly(options.assembly, (resource, name) =>
      attributeOf(resource, name, { endpoint, urls, resolve: (...args) => assembly.resolve(...args) }),
    );

    for (const resource of ofType(assembly, 'AWS::Lambda::Url')) {
      const name = () =>
        String(assembly.resolve(resource.stack, resource.properties['TargetFunctionArn'])).split(':').at(-1) ?? '';
      const served = await functionUrl({
        pool: () => pool(name()),
        iam: resource.properties['AuthType'] === 'AWS_IAM',
        clock,
        random,
      });
      urls.set(`${resource.stack}/${resource.logicalId}`, served.url);
      closing.push(() => close(served.server));
    }
    const make = makers({
      assembly,
      fauxqs,
      endpoint,
      client,
      sqs,
      queues,
      buses,
      rules,
      pools,
      env,
      concurrency,
      clock,
      random,
      log,
      ...(options.visibilitySeconds === undefined ? {} : { visibilitySeconds: options.visibilitySeconds }),
      ...(options.runtimeClient === undefined ? {} : { runtimeClient: options.runtimeClient }),
    });
    await make.queues();
    await make.topics();
    await make.tables();
    await make.buckets();
    make.buses();
    make.functions();
    closing.push(async () => {
      await Promise.all([...pools.values()].map((each) => each.stop()));
    });
    for (const each of pools.values()) await each.warm(options.provisioned ?? 0);
    const pollers: Poller[] = make.mappings();
    closing.push(async () => {
      await Promise.all(pollers.map((poller) => poller.stop()));
    });
    const scheduler = startScheduler(make.schedules(compress, deliver), { clock, compress, log });
    closing.push(scheduler.stop);
    return {
      endpoint,
      outputs: assembly.outputs(),
      queues,
      functions: [...pools.keys()],
      invoke: (name, payload) => pool(name).invoke(payload),
      killOne: (name) => pool(name).killOne(),
      stats: () => Object.fromEntries([...pools].map(([name, each]) => [name, each.stats()])),
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
};

interface Making {
  readonly fauxqs: Service;
  readonly assembly: Assembly;
  readonly endpoint: string;
  readonly client: {
    readonly endpoint: string;
    readonly region: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  readonly sqs: SQSClient;
  readonly queues: Map<string, { url: string; arn: string }>;
  readonly buses: Set<string>;
  readonly rules: BusRule[];
  readonly pools: Map<string, LambdaPool>;
  readonly env: Readonly<Record<string, string>>;
  readonly visibilitySeconds?: number;
  readonly runtimeClient?: string;
  readonly concurrency: number;
  readonly clock: () => number;
  readonly random: () => number;
  readonly log: (line: string, functionName?: string) => void;
}

/** Makes the resources of one kind after the other. */
const makers = (making: Making) => {
  const { assembly, fauxqs, endpoint, client, sqs, queues, pools } = making;
  const properties = (resource: Resource) =>
    assembly.resolve(resource.stack, resource.properties) as Record<string, unknown>;
  const nameOf = (resource: Resource) =>
    String(attributeOf(resource, 'Name', { endpoint, urls: new Map(), resolve: assembly.resolve }));
  return {
    async queues(): Promise<void> {
      const all = ofType(assembly, 'AWS::SQS::Queue');
      // Dead-letter queues first: a redrive policy must name a queue that is there.
      const rank = (resource: Resource) => (resource.properties['RedrivePolicy'] === undefined ? 0 : 1);
      for (const resource of [...all].sort((a, b) => rank(a) - rank(b))) {
        const own = properties(resource);
        const name = nameOf(resource);
        const attributes: Record<string, string> = {};
        for (const key of [
          'DelaySeconds',
          'MaximumMessageSize',
          'MessageRetentionPeriod',
          'ReceiveMessageWaitTimeSeconds',
          'VisibilityTimeout',
          'FifoQueue',
          'ContentBasedDeduplication',
        ]) {
          if (own[key] !== undefined) attributes[key] = String(own[key]);
        }
        if (making.visibilitySeconds !== undefined) attributes['VisibilityTimeout'] = String(making.visibilitySeconds);
        if (own['RedrivePolicy'] !== undefined) attributes['RedrivePolicy'] = JSON.stringify(own['RedrivePolicy']);
        const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
        queues.set(name, { url: QueueUrl, arn: `arn:aws:sqs:${region}:${accountId}:${name}` });
      }
    },
    /** Topics that are declared, and those of others that a queue subscribes to. */
    async topics(): Promise<void> {
      const call = async (parameters: Readonly<Record<string, string>>): Promise<string> => {
        const answer = await fauxqs({
          method: 'POST',
          path: '/',
          headers: {
            'content-type': 'application/x-www-form-urlencoded',
            authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/${region}/sns/aws4_request, SignedHeaders=host, Signature=0`,
          },
          body: Buffer.from(new URLSearchParams({ Version: '2010-03-31', ...parameters }).toString()),
        });
        const text = answer.body.toString();
        if (answer.status !== 200)
          throw new Failure('unavailable', text, { where: `${parameters['Action']} ${parameters['Name'] ?? ''}` });
        return /<TopicArn>([^<]+)</.exec(text)?.[1] ?? '';
      };
      for (const resource of ofType(assembly, 'AWS::SNS::Topic'))
        await call({ Action: 'CreateTopic', Name: nameOf(resource) });
      for (const resource of ofType(assembly, 'AWS::SNS::Subscription')) {
        const own = properties(resource) as {
          Protocol?: string;
          TopicArn?: string;
          Endpoint?: string;
          RawMessageDelivery?: unknown;
        };
        if (own.Protocol !== 'sqs') continue;
        await call({
          Action: 'Subscribe',
          TopicArn: await call({ Action: 'CreateTopic', Name: String(own.TopicArn).split(':').at(-1) ?? '' }),
          Protocol: 'sqs',
          Endpoint: String(own.Endpoint),
          'Attributes.entry.1.key': 'RawMessageDelivery',
          'Attributes.entry.1.value': String(own.RawMessageDelivery === true || own.RawMessageDelivery === 'true'),
        });
      }
    },
    async tables(): Promise<void> {
      const dynamodb = new DynamoDBClient(client);
      for (const resource of ofType(assembly, 'AWS::DynamoDB::Table')) {
        const own = properties(resource) as { AttributeDefinitions: never; KeySchema: never };
        await dynamodb.send(
          new CreateTableCommand({
            TableName: nameOf(resource),
            AttributeDefinitions: own.AttributeDefinitions,
            KeySchema: own.KeySchema,
            BillingMode: 'PAY_PER_REQUEST',
          }),
        );
      }
      dynamodb.destroy();
    },
    async buckets(): Promise<void> {
      const s3 = new S3Client({ ...client, forcePathStyle: true });
      for (const resource of ofType(assembly, 'AWS::S3::Bucket'))
        await s3.send(new CreateBucketCommand({ Bucket: nameOf(resource) }));
      s3.destroy();
    },
    buses(): void {
      for (const resource of ofType(assembly, 'AWS::Events::EventBus')) making.buses.add(nameOf(resource));
      for (const resource of ofType(assembly, 'AWS::Events::Rule')) {
        const own = properties(resource) as {
          EventPattern?: unknown;
          EventBusName?: string;
          Targets?: Target[];
          State?: string;
        };
        if (own.EventPattern === undefined || own.State === 'DISABLED') continue;
        making.rules.push({
          name: nameOf(resource),
          arn: `arn:aws:events:${region}:${accountId}:rule/${nameOf(resource)}`,
          bus:
            String(own.EventBusName ?? 'default')
              .split('/')
              .at(-1) ?? 'default',
          pattern: own.EventPattern,
          targets: own.Targets ?? [],
        });
      }
    },
    functions(): void {
      for (const resource of ofType(assembly, 'AWS::Lambda::Function')) {
        const own = properties(resource) as {
          Code?: { S3Key?: string };
          Handler?: string;
          Runtime?: string;
          Timeout?: number;
          MemorySize?: number;
          Environment?: { Variables?: Record<string, unknown> };
        };
        if (own.Code?.S3Key === undefined || !String(own.Runtime).startsWith('nodejs')) continue;
        const name = nameOf(resource);
        pools.set(
          name,
          lambdaPool(
            {
              name,
              folder: assembly.asset(own.Code.S3Key),
              handler: own.Handler ?? 'index.handler',
              timeoutSeconds: own.Timeout ?? 3,
              memoryMb: own.MemorySize ?? 128,
              environment: {
                ...Object.fromEntries(
                  Object.entries(own.Environment?.Variables ?? {}).map(([key, value]) => [key, String(value)]),
                ),
                ...making.env,
                AWS_ENDPOINT_URL: endpoint,
              },
              ...(making.runtimeClient === undefined ? {} : { runtimeClient: making.runtimeClient }),
            },
            {
              concurrency: making.concurrency,
              clock: making.clock,
              random: making.random,
              log: (line) => making.log(line, name),
            },
          ),
        );
      }
    },
    mappings(): Poller[] {
      return ofType(assembly, 'AWS::Lambda::EventSourceMapping').flatMap((resource) => {
        const own = properties(resource) as {
          EventSourceArn: string;
          FunctionName: string;
          BatchSize?: number;
          MaximumBatchingWindowInSeconds?: number;
          ScalingConfig?: { MaximumConcurrency?: number };
          FunctionResponseTypes?: string[];
          FilterCriteria?: { Filters?: { Pattern: string }[] };
        };
        const queue = queues.get(own.EventSourceArn.split(':').at(-1) ?? '');
        const target = pools.get(own.FunctionName.split(':').at(-1) ?? '');
        if (queue === undefined || target === undefined) {
          making.log(`mapping ${resource.logicalId}: ${own.EventSourceArn} to ${own.FunctionName} is not served here`);
          return [];
        }
        return [
          startPoller(
            {
              queueUrl: queue.url,
              queueArn: queue.arn,
              pool: target,
              batchSize: own.BatchSize ?? 10,
              windowSeconds: own.MaximumBatchingWindowInSeconds ?? 0,
              maxConcurrency: Math.min(own.ScalingConfig?.MaximumConcurrency ?? 5, making.concurrency),
              reportsFailures: own.FunctionResponseTypes?.includes('ReportBatchItemFailures') === true,
              filters: (own.FilterCriteria?.Filters ?? []).map(({ Pattern }) => JSON.parse(Pattern) as unknown),
            },
            { endpoint, clock: making.clock, log: making.log },
          ),
        ];
      });
    },
    schedules(compress: number, deliver: Deliver) {
      return ofType(assembly, 'AWS::Scheduler::Schedule').map((resource) => {
        const own = properties(resource) as { ScheduleExpression: string; Target: { Arn: string; Input?: string } };
        const { Arn, Input = '{}' } = own.Target;
        return {
          name: nameOf(resource),
          expression: own.ScheduleExpression,
          fire: async (scheduledTime: string) => {
            const text = Input.replaceAll('<aws.scheduler.scheduled-time>', scheduledTime);
            if (!Arn.endsWith(':aws-sdk:sqs:sendMessage')) return deliver(Arn, text);
            const input = JSON.parse(text) as { QueueUrl: string; MessageBody: string; DelaySeconds?: number };
            const send = () =>
              sqs.send(new SendMessageCommand({ QueueUrl: input.QueueUrl, MessageBody: input.MessageBody }));
            // SQS delays whole seconds; a compressed delay may be a fraction of one, so it is waited for here.
            if (compress === 1) await sqs.send(new SendMessageCommand(input));
            else
              setTimeout(
                () => void send().catch((thrown) => making.log(`schedule: ${String(thrown)}`)),
                ((input.DelaySeconds ?? 0) * 1000) / compress,
              );
          },
        };
      });
    },
  };
};

const ofType = (assembly: Assembly, type: string): Resource[] =>
  assembly.resources.filter((resource) => resource.type === type);

/** What Ref and Fn::GetAtt answer. Names are the declared ones, or made of stack and logical id, so that they need no creation first. */
const attributeOf = (
  resource: Resource,
  name: string,
  known: {
    readonly endpoint: string;
    readonly urls: ReadonlyMap<string, string>;
    readonly resolve: Assembly['resolve'];
  },
): unknown => {
  const own = (key: string) => known.resolve(resource.stack, resource.properties[key]);
  const made = `${resource.stack}-${resource.logicalId}`;
  const named = (key: string) => String(own(key) ?? made);
  const arn = (service: string, rest: string) => `arn:aws:${service}:${region}:${accountId}:${rest}`;
  switch (resource.type) {
    case 'AWS::SQS::Queue': {
      const queue = named('QueueName');
      if (name === 'Arn') return arn('sqs', queue);
      return name === 'QueueName' || name === 'Name' ? queue : `${known.endpoint}/${accountId}/${queue}`;
    }
    case 'AWS::SNS::Topic': {
      const topic = named('TopicName');
      return name === 'TopicName' || name === 'Name' ? topic : arn('sns', topic);
    }
    case 'AWS::Events::EventBus':
      return name === 'Arn' ? arn('events', `event-bus/${named('Name')}`) : named('Name');
    case 'AWS::Events::Rule':
      return name === 'Arn' ? arn('events', `rule/${named('Name')}`) : named('Name');
    case 'AWS::DynamoDB::Table':
      return name === 'Arn' ? arn('dynamodb', `table/${named('TableName')}`) : named('TableName');
    case 'AWS::S3::Bucket': {
      const bucket = named('BucketName').toLowerCase();
      return name === 'Arn' ? `arn:aws:s3:::${bucket}` : bucket;
    }
    case 'AWS::Lambda::Function':
      return name === 'Arn' ? arn('lambda', `function:${named('FunctionName')}`) : named('FunctionName');
    case 'AWS::Lambda::Url':
      return name === 'FunctionUrl'
        ? known.urls.get(`${resource.stack}/${resource.logicalId}`)
        : own('TargetFunctionArn');
    case 'AWS::Scheduler::Schedule':
      return name === 'Arn' ? arn('scheduler', `schedule/default/${named('Name')}`) : named('Name');
    default:
      return name.endsWith('Arn') ? arn(resource.type.split('::')[1]?.toLowerCase() ?? 'unknown', made) : made;
  }
};

const secretService =
  (secrets: Readonly<Record<string, string>>): Service =>
  async (call) => {
    const { SecretId = '' } = JSON.parse(call.body.toString()) as { SecretId?: string };
    const value = secrets[`secretsmanager:${SecretId}`];
    if (value === undefined)
      return failure(400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    return json({
      ARN: `arn:aws:secretsmanager:${region}:${accountId}:secret:${SecretId}-local1`,
      Name: SecretId,
      SecretString: value,
    });
  };

const parameterService =
  (secrets: Readonly<Record<string, string>>): Service =>
  async (call) => {
    const { Name = '' } = JSON.parse(call.body.toString()) as { Name?: string };
    const value = secrets[`ssm:${Name}`];
    if (value === undefined) return failure(400, 'ParameterNotFound', `Parameter ${Name} not found.`);
    return json({ Parameter: { Name, Type: 'SecureString', Value: value, Version: 1 } });
  };

const close = (server: Server): Promise<void> =>
  new Promise((done) => {
    server.close(() => done());
    server.closeAllConnections();
  });
