import type { SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs';
import { Failure } from '../model/failure.ts';
import type { Queue, QueueMessage } from '../model/ports.ts';

/** Lets a plug-in (context injection) reach the client before its first use. */
export type SqsPlugIn = (client: SQSClient) => void;

/** 10 entries and 1,048,576 bytes a batch are the limits of SendMessageBatch. */
const batchEntries = 10;
const batchBytes = 1_048_576;

/** Sends to one SQS queue in the fewest batches; entries that SQS refuses for its own reasons are tried once more. */
export const sqsQueue = (options: { readonly queueUrl: string; readonly plugIn?: SqsPlugIn }): Queue => {
  const { queueUrl, plugIn } = options;
  let loaded: Promise<{ sdk: typeof import('@aws-sdk/client-sqs'); client: SQSClient }> | undefined;
  const sqs = () => {
    loaded ??= import('@aws-sdk/client-sqs').then((sdk) => {
      // A queue URL's host need not be where an emulator listens: AWS_ENDPOINT_URL wins over it when set.
      const client = new sdk.SQSClient({ useQueueUrlAsEndpoint: process.env['AWS_ENDPOINT_URL'] === undefined });
      plugIn?.(client);
      return { sdk, client };
    });
    return loaded;
  };
  return {
    async send(messages) {
      if (messages.length === 0) return;
      const { sdk, client } = await sqs();
      for (const batch of batches(messages)) {
        let left = batch;
        for (let attempt = 0; left.length > 0; attempt += 1) {
          const answer = await client
            .send(new sdk.SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: left }))
            .catch((thrown) => {
              throw new Failure('unavailable', (thrown as Error).message, {
                where: `SendMessageBatch ${queueUrl}`,
                cause: thrown,
              });
            });
          const failed = answer.Failed ?? [];
          const senderFault = failed.find(({ SenderFault }) => SenderFault === true);
          if (senderFault !== undefined || (failed.length > 0 && attempt > 0)) {
            const first = senderFault ?? failed[0];
            throw new Failure(
              senderFault === undefined ? 'unavailable' : 'bad-input',
              `${first?.Code}: ${first?.Message}`,
              {
                where: `SendMessageBatch ${queueUrl}`,
              },
            );
          }
          const ids = new Set(failed.map(({ Id }) => Id));
          left = left.filter(({ Id }) => ids.has(Id));
        }
      }
    },
  };
};

const batches = (messages: readonly QueueMessage[]): SendMessageBatchRequestEntry[][] => {
  const result: SendMessageBatchRequestEntry[][] = [];
  let current: SendMessageBatchRequestEntry[] = [];
  let bytes = 0;
  messages.forEach((message, index) => {
    const size =
      Buffer.byteLength(message.body) +
      // Names, values and the type text `String` all count.
      Object.entries(message.attributes ?? {}).reduce(
        (sum, [k, v]) => sum + Buffer.byteLength(k) + Buffer.byteLength(v) + 6,
        0,
      );
    if (current.length === batchEntries || (current.length > 0 && bytes + size > batchBytes)) {
      result.push(current);
      current = [];
      bytes = 0;
    }
    bytes += size;
    current.push({
      Id: String(index),
      MessageBody: message.body,
      ...(message.delaySeconds === undefined ? {} : { DelaySeconds: message.delaySeconds }),
      ...(message.groupId === undefined ? {} : { MessageGroupId: message.groupId }),
      ...(message.deduplicationId === undefined ? {} : { MessageDeduplicationId: message.deduplicationId }),
      ...(message.attributes === undefined
        ? {}
        : {
            MessageAttributes: Object.fromEntries(
              Object.entries(message.attributes).map(([name, text]) => [
                name,
                { DataType: 'String', StringValue: text },
              ]),
            ),
          }),
    });
  });
  if (current.length > 0) result.push(current);
  return result;
};
