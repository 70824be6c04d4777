import { type AttributeMap, names } from './semconv.ts';

/** Adds what the conventions before 1.45 called some of the attributes. */
export const addOldNames = (map: AttributeMap): void => {
  for (const [name, old] of Object.entries(oldNames)) {
    const value = map[name];
    if (value !== undefined) map[old] = name === names.system ? (oldSystems[String(value)] ?? value) : value;
  }
};

const oldNames: Readonly<Record<string, string>> = {
  [names.system]: 'messaging.system',
  [names.operationType]: 'messaging.operation',
  [names.invocationId]: 'faas.invocation_id',
  [names.kafkaOffset]: 'messaging.kafka.message.offset',
};

const oldSystems: Readonly<Record<string, string>> = {
  'aws.sqs': 'aws_sqs',
  'aws.sns': 'aws_sns',
  'aws.eventbridge': 'aws_eventbridge',
  'aws.kinesis': 'aws_kinesis',
};
