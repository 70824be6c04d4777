import type { SQSClient } from '@aws-sdk/client-sqs';
import type { WatchedQueue } from '../model/config/watermarks.ts';
import { Failure } from '../model/failure.ts';
import { given } from '../model/given.ts';
import type { Clock } from '../model/ports.ts';
import { capacityOf, type QueueSnapshot } from '../model/queue-snapshot.ts';

/** The trace context in a ReceiveMessage answer, if there is one. */
export type TraceOf = (answer: unknown) => { readonly traceId: string; readonly spanId: string } | undefined;

/** Looks at SQS queues by ARN; queue URLs are asked for once, since their form is the service's own business. */
export const queueLooks = (options: {
  readonly clock: Clock;
  /** Seconds, where somebody knows; SQS does not. */
  readonly oldestAge?: (queueName: string) => Promise<number | undefined>;
}) => {
  const { clock, oldestAge } = options;
  const urls = new Map<string, string>();
  let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-sqs'); client: SQSClient }> | undefined;
  const sqs = () => {
    loaded ??= import('@aws-sdk/client-sqs').then((sdk) => ({
      sdk,
      client: new sdk.SQSClient({ useQueueUrlAsEndpoint: process.env['AWS_ENDPOINT_URL'] === undefined }),
    }));
    return loaded;
  };
  const open = async ({ arn }: WatchedQueue) => {
    const { sdk, client } = await sqs();
    const [, , , , account = '', name = ''] = arn.split(':');
    const where = `sqs/${name}`;
    const fail = (thrown: unknown): never => {
      throw queueFailure(thrown, where);
    };
    let url = urls.get(arn);
    if (url === undefined) {
      const command = new sdk.GetQueueUrlCommand({ QueueName: name, QueueOwnerAWSAccountId: account });
      const answer = await client.send(command).catch(fail);
      url = answer.QueueUrl ?? '';
      urls.set(arn, url);
    }
    return { sdk, client, url, name, where, fail };
  };
  const look = async (
    queue: WatchedQueue,
    needs: { readonly age: boolean },
  ): Promise<Omit<QueueSnapshot, 'history'>> => {
    const { sdk, client, url, name, where, fail } = await open(queue);
    const command = new sdk.GetQueueAttributesCommand({
      QueueUrl: url,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    });
    const [{ Attributes = {} }, age] = await Promise.all([
      client.send(command).catch(fail),
      needs.age ? oldestAge?.(name) : undefined,
    ]);
    const count = (attribute: keyof typeof Attributes): number => {
      const value = Number(Attributes[attribute]);
      // A missing count is no zero: KEDA refuses it too.
      if (Attributes[attribute] === undefined || !Number.isFinite(value)) {
        throw new Failure('unavailable', `the answer has no ${attribute}`, { where });
      }
      return value;
    };
    const capacity = capacityOf(queue);
    return {
      name,
      arn: queue.arn,
      at: clock(),
      visible: count('ApproximateNumberOfMessages'),
      inFlight: count('ApproximateNumberOfMessagesNotVisible'),
      delayed: count('ApproximateNumberOfMessagesDelayed'),
      ...given({ oldestAgeSeconds: age, capacity }),
      ...(queue.maxAgeSeconds === undefined ? {} : { ageSloSeconds: queue.maxAgeSeconds }),
      ...(queue.minBacklog === undefined ? {} : { minBacklog: queue.minBacklog }),
    };
  };
  /** Receives one message and lets it go at once; nothing is deleted. */
  const trace = async (queue: WatchedQueue, traceOf: TraceOf | undefined) => {
    if (traceOf === undefined) return undefined;
    const { sdk, client, url, fail } = await open(queue);
    const answer = await client
      .send(
        new sdk.ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: 1,
          VisibilityTimeout: 0,
          MessageAttributeNames: ['All'],
          MessageSystemAttributeNames: ['All'],
        }),
      )
      .catch(fail);
    const found = answer.Messages === undefined ? undefined : traceOf({ Messages: answer.Messages });
    return found === undefined ? undefined : { traceId: found.traceId, spanId: found.spanId };
  };
  return { look, trace };
};

const queueFailure = (thrown: unknown, where: string): Failure => {
  if (thrown instanceof Failure) return thrown;
  const { name = '', message = String(thrown) } = thrown as Error;
  const code = /NonExistent|DoesNotExist/.test(name)
    ? 'not-found'
    : /AccessDenied|Token|Signature/.test(name)
      ? 'unauthorised'
      : 'unavailable';
  return new Failure(code, `${name}: ${message}`, { where, cause: thrown });
};
