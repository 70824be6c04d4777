import { createHash } from 'node:crypto';
import { type Call, failure, type Service } from './gateway.ts';

/** Trace headers kept for messages still in a queue; the oldest go first. */
const maxKept = 200_000;

interface Attribute {
  readonly DataType: string;
  readonly StringValue?: string;
}
interface Entry {
  readonly Id?: string;
  readonly MessageAttributes?: Readonly<Record<string, unknown>>;
  readonly MessageSystemAttributes?: Readonly<Record<string, Attribute>>;
}

/**
 * Stands before the queue emulator and does what it leaves out: keeps `AWSTraceHeader`, refuses the eleventh attribute, and
 * answers queue URLs at the endpoint that clients were given.
 */
export const sqsFront = (behind: Service, endpoint: () => string): Service => {
  const traceHeaders = new Map<string, string>();
  const keep = (messageId: string | undefined, entry: Entry): string | undefined => {
    const header = entry.MessageSystemAttributes?.['AWSTraceHeader']?.StringValue;
    if (messageId === undefined || header === undefined) return undefined;
    traceHeaders.set(messageId, header);
    if (traceHeaders.size > maxKept) traceHeaders.delete(traceHeaders.keys().next().value ?? '');
    return systemAttributesMd5(entry.MessageSystemAttributes ?? {});
  };
  return async (call) => {
    const operation = String(call.headers['x-amz-target']).split('.')[1] ?? '';
    const input = JSON.parse(call.body.toString() || '{}') as Record<string, unknown>;
    const entries =
      operation === 'SendMessage'
        ? [input as Entry]
        : operation === 'SendMessageBatch'
          ? (input['Entries'] as Entry[])
          : [];
    if (entries.some((entry) => Object.keys(entry.MessageAttributes ?? {}).length > 10)) {
      return failure(
        400,
        'InvalidParameterValue',
        'Number of message attributes [11] exceeds the allowed maximum [10].',
      );
    }
    const reply = await behind(withoutNames(call, operation, input));
    if (reply.status !== 200) return reply;
    const output = JSON.parse(reply.body.toString() || '{}') as Record<string, unknown>;
    if (operation === 'SendMessage') {
      const md5 = keep(output['MessageId'] as string, input as Entry);
      if (md5 !== undefined) output['MD5OfMessageSystemAttributes'] = md5;
    }
    if (operation === 'SendMessageBatch') {
      for (const done of (output['Successful'] ?? []) as Record<string, unknown>[]) {
        const entry = entries.find(({ Id }) => Id === done['Id']);
        const md5 = entry === undefined ? undefined : keep(done['MessageId'] as string, entry);
        if (md5 !== undefined) done['MD5OfMessageSystemAttributes'] = md5;
      }
    }
    if (operation === 'ReceiveMessage') {
      const wanted = [
        ...((input['MessageSystemAttributeNames'] ?? []) as string[]),
        ...((input['AttributeNames'] ?? []) as string[]),
      ];
      if (wanted.some((name) => name === 'All' || name === 'AWSTraceHeader')) {
        for (const message of (output['Messages'] ?? []) as {
          MessageId: string;
          Attributes?: Record<string, string>;
        }[]) {
          const header = traceHeaders.get(message.MessageId);
          if (header !== undefined) message.Attributes = { ...message.Attributes, AWSTraceHeader: header };
        }
      }
    }
    return { ...reply, body: JSON.stringify(atEndpoint(output, endpoint())) };
  };
};

/** The emulator refuses to be asked for an attribute that it does not know. */
const withoutNames = (call: Call, operation: string, input: Record<string, unknown>): Call => {
  if (operation !== 'ReceiveMessage') return call;
  const known = (names: unknown) => (names as string[]).filter((name) => name !== 'AWSTraceHeader');
  const changed = { ...input };
  for (const key of ['MessageSystemAttributeNames', 'AttributeNames'])
    if (Array.isArray(changed[key])) changed[key] = known(changed[key]);
  return { ...call, body: Buffer.from(JSON.stringify(changed)) };
};

const atEndpoint = (output: Record<string, unknown>, endpoint: string): Record<string, unknown> => {
  const moved = (url: unknown) => `${endpoint}${new URL(String(url)).pathname}`;
  const changed = { ...output };
  if (changed['QueueUrl'] !== undefined) changed['QueueUrl'] = moved(changed['QueueUrl']);
  if (Array.isArray(changed['QueueUrls'])) changed['QueueUrls'] = changed['QueueUrls'].map(moved);
  return changed;
};

/** The digest that clients check, by the rule that SQS documents for attributes. */
const systemAttributesMd5 = (attributes: Readonly<Record<string, Attribute>>): string => {
  const hash = createHash('md5');
  const add = (text: string) => {
    const bytes = Buffer.from(text);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    hash.update(length).update(bytes);
  };
  for (const name of Object.keys(attributes).sort()) {
    add(name);
    add(attributes[name]?.DataType ?? 'String');
    hash.update(Buffer.from([1]));
    add(attributes[name]?.StringValue ?? '');
  }
  return hash.digest('hex');
};
