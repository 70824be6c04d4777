import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

const sqs = new SQSClient({ useQueueUrlAsEndpoint: false });

interface Record {
  readonly messageId: string;
  readonly body: string;
}

/**
 * Says in another queue what it was handed, and does what the bodies ask for: `fail` names the message as failed, `misspell` names
 * it under a key that nobody reads, `throw` throws.
 */
export const handler = async (
  event: { readonly Records: readonly Record[] },
  context: { readonly functionName: string; readonly getRemainingTimeInMillis: () => number },
): Promise<object> => {
  // So that time has passed, and what remains can be seen to be less.
  await new Promise((resume) => setTimeout(resume, 20));
  const seen = {
    records: event.Records,
    functionName: context.functionName,
    remainingMs: context.getRemainingTimeInMillis(),
  };
  await sqs.send(new SendMessageCommand({ QueueUrl: process.env['SEEN_QUEUE'], MessageBody: JSON.stringify(seen) }));
  const asked = (what: string) => event.Records.filter(({ body }) => body.startsWith(what));
  if (asked('throw').length > 0) throw new Error('as asked');
  const named = (records: readonly Record[]) => records.map(({ messageId }) => ({ itemIdentifier: messageId }));
  if (asked('misspell').length > 0) return { batchItemFailure: named(asked('misspell')) };
  return { batchItemFailures: named(asked('fail')) };
};
