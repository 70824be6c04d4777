import type { Source } from '../../model/message.ts';
import { activemq } from './activemq.ts';
import { documentdb } from './documentdb.ts';
import { dynamodb } from './dynamodb.ts';
import { edge } from './edge.ts';
import { eventbridge, eventbridgeV2 } from './eventbridge.ts';
import { firehose } from './firehose.ts';
import { http } from './http.ts';
import { invoke } from './invoke.ts';
import { kafka } from './kafka.ts';
import { kinesis } from './kinesis.ts';
import { nsq } from './nsq.ts';
import { rabbitmq } from './rabbitmq.ts';
import { s3 } from './s3.ts';
import { sns } from './sns.ts';
import { sqs } from './sqs.ts';

/** Every source, in the order in which they are asked; `invoke` takes what nobody else claims. */
export const sources: readonly Source[] = [
  sqs,
  sns,
  eventbridge,
  eventbridgeV2,
  kinesis,
  dynamodb,
  s3,
  kafka,
  rabbitmq,
  activemq,
  nsq,
  firehose,
  documentdb,
  edge,
  http,
  invoke,
];
