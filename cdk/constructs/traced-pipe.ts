import type { IEventBus } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPipe } from 'aws-cdk-lib/aws-pipes';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface TracedPipeProps {
  readonly source: IQueue;
  /** Where messages go: another queue, or a bus with the names that its events get. */
  readonly target:
    | { readonly queue: IQueue }
    | { readonly bus: IEventBus; readonly source: string; readonly detailType: string };
  /** Names and the references that fill them, such as `<$.body.orderId>`. @default `{ body: '<$.body>' }` */
  readonly fields?: Readonly<Record<string, string>>;
  /** Only messages that match one of these event patterns. @default all */
  readonly filters?: readonly Readonly<Record<string, unknown>>[];
  /** @default 10 */
  readonly batchSize?: number;
}

/**
 * A pipe from a queue that takes the message's context along as `_trace`. A pipe's target knows no message attributes, so the
 * context moves from the attribute into the body (or the event's detail), where every reader of tidemark looks too.
 */
export class TracedPipe extends Construct {
  readonly pipe: CfnPipe;

  constructor(scope: Construct, id: string, props: TracedPipeProps) {
    super(scope, id);
    const { source, target, fields = { body: '<$.body>' }, filters, batchSize = 10 } = props;
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('pipes.amazonaws.com') });
    source.grantConsumeMessages(role);
    if ('queue' in target) target.queue.grantSendMessages(role);
    else target.bus.grantPutEventsTo(role);
    this.pipe = new CfnPipe(this, 'Pipe', {
      roleArn: role.roleArn,
      source: source.queueArn,
      sourceParameters: {
        sqsQueueParameters: { batchSize },
        ...(filters === undefined
          ? {}
          : { filterCriteria: { filters: filters.map((pattern) => ({ pattern: JSON.stringify(pattern) })) } }),
      },
      target: 'queue' in target ? target.queue.queueArn : target.bus.eventBusArn,
      targetParameters: {
        inputTemplate: templateOf(fields),
        ...('bus' in target
          ? { eventBridgeEventBusParameters: { source: target.source, detailType: target.detailType } }
          : {}),
      },
    });
    // CloudFormation makes the pipe only once its role may do its work.
    this.pipe.node.addDependency(role);
  }
}

/** References stand outside of quotes, since a pipe puts a value there with the quotes that it needs. */
const templateOf = (fields: Readonly<Record<string, string>>): string => {
  const own = Object.entries(fields).map(
    ([name, text]) => `${JSON.stringify(name)}:${/^<[^<>]+>$/.test(text) ? text : JSON.stringify(text)}`,
  );
  return `{${[...own, '"_trace":{"traceparent":<$.messageAttributes.traceparent.stringValue>}'].join(',')}}`;
};
