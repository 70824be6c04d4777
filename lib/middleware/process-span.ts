import { type AttributeMap, names, ownNames } from '../telemetry/semconv.ts';
import type { ReceivedMessage } from './received.ts';
import { propagationOf, type TracingOptions } from './tracing.ts';

/** `process <destination>`, as the general messaging convention has it; the AWS Lambda document's `<event source> process` differs. */
export const processName = (messages: readonly ReceivedMessage[], count = messages.length): string => {
  const destination = messages[0]?.destination;
  if (destination === undefined) return 'process';
  for (let at = 1; at < count; at++) {
    if (messages[at]?.destination !== destination) return 'process multiple_sources';
  }
  return `process ${destination}`;
};

/** What is said of a batch. */
export const batchAttributes = (messages: readonly ReceivedMessage[]): AttributeMap => {
  const [first] = messages;
  if (first === undefined) return {};
  const { system } = first.source;
  const { destination } = first;
  const same = destination !== undefined && isSame(messages, destination);
  if (system !== undefined && same) return usualBatch(system, destination, messages.length);
  const attributes: AttributeMap = {
    [names.operationName]: 'process',
    [names.operationType]: 'process',
    [names.batchCount]: messages.length,
  };
  if (system !== undefined) attributes[names.system] = system;
  if (same) attributes[names.destination] = destination;
  return attributes;
};

/** Loops, since a closure costs every batch an object. */
const isSame = (messages: readonly ReceivedMessage[], destination: string): boolean => {
  for (const message of messages) if (message.destination !== destination) return false;
  return true;
};

/** What is said of one message. `at` is the time at which its processing starts, in milliseconds since the epoch. */
export const messageAttributes = (options: TracingOptions, message: ReceivedMessage, at: number): AttributeMap => {
  const { details, source } = message;
  const found = message.extracted(propagationOf(options));
  const { destination, messageId, sentAt } = details;
  const { system } = source;
  const { path } = found;
  const dwell = sentAt === undefined ? undefined : Math.max(0, at - sentAt);
  let attributes: AttributeMap;
  if (
    system !== undefined &&
    destination !== undefined &&
    messageId !== undefined &&
    dwell !== undefined &&
    path !== undefined
  ) {
    attributes = usual(system, destination, messageId, dwell, path);
  } else {
    attributes = { [names.operationName]: 'process', [names.operationType]: 'process' };
    if (system !== undefined) attributes[names.system] = system;
    if (destination !== undefined) attributes[names.destination] = destination;
    if (messageId !== undefined) attributes[names.messageId] = messageId;
    if (dwell !== undefined) attributes[ownNames.dwell] = dwell;
    if (path !== undefined) attributes[ownNames.contextPath] = path;
  }
  if (details.partition !== undefined) attributes[names.partition] = details.partition;
  if (details.correlationId !== undefined) attributes[names.conversationId] = details.correlationId;
  if (details.receiveCount !== undefined && details.receiveCount > 1) {
    attributes[ownNames.receiveCount] = details.receiveCount;
    if (details.firstReceivedAt !== undefined) {
      attributes[ownNames.sinceFirstReceived] = Math.max(0, at - details.firstReceivedAt);
    }
  }
  if (details.deadLetteredFrom !== undefined) attributes[ownNames.deadLetteredFrom] = details.deadLetteredFrom;
  if (details.offset !== undefined && source.name !== 'kafka') attributes[ownNames.sequence] = details.offset;
  if (found.format !== undefined && found.format !== 'w3c') attributes[ownNames.contextFormat] = found.format;
  for (const name in details.attributes) attributes[name] = details.attributes[name] as string | number | boolean;
  return attributes;
};

/** As nearly every message has it. The names stand here as text: keys that are worked out cost an object of twice the size. */
const usual = (
  system: string,
  destination: string,
  messageId: string,
  dwell: number,
  path: string,
): Usual & AttributeMap => ({
  'messaging.operation.name': 'process',
  'messaging.operation.type': 'process',
  'messaging.system.name': system,
  'messaging.destination.name': destination,
  'messaging.message.id': messageId,
  'tidemark.message.dwell_ms': dwell,
  'tidemark.context.path': path,
});

const usualBatch = (system: string, destination: string, count: number): UsualBatch & AttributeMap => ({
  'messaging.operation.name': 'process',
  'messaging.operation.type': 'process',
  'messaging.batch.message_count': count,
  'messaging.system.name': system,
  'messaging.destination.name': destination,
});

/** Fail to compile where a name above is not the one of the conventions. */
type Usual = Record<
  | (typeof names)['operationName' | 'operationType' | 'system' | 'destination' | 'messageId']
  | (typeof ownNames)['dwell' | 'contextPath'],
  string | number
>;

type UsualBatch = Record<
  (typeof names)['operationName' | 'operationType' | 'batchCount' | 'system' | 'destination'],
  string | number
>;
