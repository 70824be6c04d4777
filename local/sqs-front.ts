import { createHash } from 'node:crypto';
import { spelled, unspelled } from './astral.ts';
import { type Call, failure, type Service } from './gateway.ts';

/** Messages that something is kept of; the oldest go first. */
const maxKept = 200_000;

interface Attribute {
  readonly DataType: string;
  readonly StringValue?: string;
}
interface Entry {
  readonly Id?: string;
  readonly MessageGroupId?: string;
  readonly MessageBody?: string;
  readonly MessageAttributes?: Readonly<Record<string, unknown>>;
  readonly MessageSystemAttributes?: Readonly<Record<string, Attribute>>;
}

/**
 * Stands before the queue emulator and does what it leaves out: keeps `AWSTraceHeader`, and the `MessageGroupId` of a message in
 * a standard queue, takes every character of Unicode, refuses the eleventh attribute, and answers queue URLs at the endpoint that
 * clients were given.
 */
export const sqsFront = (behind: Service, endpoint: () => string): Service => {
  const kept = new Map<string, Readonly<Record<string, string>>>();
  const keep = (messageId: string | undefined, entry: Entry): string | undefined => {
    const header = entry.MessageSystemAttributes?.['AWSTraceHeader']?.StringValue;
    const group = entry.MessageGroupId;
    if (messageId !== undefined && (header !== undefined || group !== undefined)) {
      kept.set(messageId, {
        ...(header === undefined ? {} : { AWSTraceHeader: header }),
        ...(group === undefined ? {} : { MessageGroupId: group }),
      });
      if (kept.size > maxKept) kept.delete(kept.keys().next().value ?? '');
    }
    return header === undefined ? undefined : systemAttributesMd5(entry.MessageSystemAttributes ?? {});
  };
  return async (call) => {
    const operation = String(call.headers['x-amz-target']).split('.')[1] ?? '';
    const input = JSON.parse(call.body.toString() || '{}') as Record<string, unknown>;
    const entries =
      operation === 'SendMessage'
        ? [input as Entry]
        : operation === 'SendMessageBatch'
          ? ((input['Entries'] ?? []) as Entry[])
          : [];
    if (entries.some((entry) => Object.keys(entry.MessageAttributes ?? {}).length > 10)) {
      return failure(
        400,
        'InvalidParameterValue',
        'Number of message attributes [11] exceeds the allowed maximum [10].',
      );
    }
    const reply = await behind(changed(call, operation, input));
    if (reply.status !== 200) return reply;
    const output = JSON.parse(reply.body.toString() || '{}') as Record<string, unknown>;
    if (operation === 'SendMessage') {
      const md5 = keep(output['MessageId'] as string, input as Entry);
      if (md5 !== undefined) output['MD5OfMessageSystemAttributes'] = md5;
      output['MD5OfMessageBody'] = md5Of((input as Entry).MessageBody);
    }
    if (operation === 'SendMessageBatch') {
      for (const done of (output['Successful'] ?? []) as Record<string, unknown>[]) {
        const entry = entries.find(({ Id }) => Id === done['Id']);
        const md5 = entry === undefined ? undefined : keep(done['MessageId'] as string, entry);
        if (md5 !== undefined) done['MD5OfMessageSystemAttributes'] = md5;
        done['MD5OfMessageBody'] = md5Of(entry?.MessageBody);
      }
    }
    if (operation === 'ReceiveMessage') {
      const wanted = [
        ...((input['MessageSystemAttributeNames'] ?? []) as string[]),
        ...((input['AttributeNames'] ?? []) as string[]),
      ];
      for (const message of (output['Messages'] ?? []) as {
        MessageId: string;
        Body?: string;
        MD5OfBody?: string;
        Attributes?: Record<string, string>;
      }[]) {
        const body = unspelled(message.Body ?? '');
        if (body !== message.Body) Object.assign(message, { Body: body, MD5OfBody: md5Of(body) });
        for (const [name, value] of Object.entries(kept.get(message.MessageId) ?? {})) {
          if (wanted.includes('All') || wanted.includes(name))
            message.Attributes = { ...message.Attributes, [name]: value };
        }
      }
    }
    return { ...reply, body: JSON.stringify(atEndpoint(output, endpoint())) };
  };
};

/** The call as the emulator takes it: asked for no attribute that it does not know, and no character that it refuses. */
const changed = (call: Call, operation: string, input: Record<string, unknown>): Call => {
  const known = (names: unknown) => (names as string[]).filter((name) => name !== 'AWSTraceHeader');
  const sent = (entry: Entry) =>
    entry.MessageBody === undefined ? entry : { ...entry, MessageBody: spelled(entry.MessageBody) };
  const next = { ...input };
  if (operation === 'ReceiveMessage') {
    for (const key of ['MessageSystemAttributeNames', 'AttributeNames'])
      if (Array.isArray(next[key])) next[key] = known(next[key]);
  } else if (operation === 'SendMessage') Object.assign(next, sent(input as Entry));
  else if (operation === 'SendMessageBatch') next['Entries'] = ((input['Entries'] ?? []) as Entry[]).map(sent);
  else return call;
  return { ...call, body: Buffer.from(JSON.stringify(next)) };
};

const md5Of = (text = ''): string => createHash('md5').update(text).digest('hex');

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
