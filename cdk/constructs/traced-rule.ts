import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SqsQueue, type SqsQueueProps } from 'aws-cdk-lib/aws-events-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';

/** An input of one's own making for a rule's target that takes the event's context along as `_trace`. */
export const tracedInput = (fields: Readonly<Record<string, unknown>>): RuleTargetInput =>
  RuleTargetInput.fromObject({ ...fields, _trace: EventField.fromPath('$.detail._trace') });

/** A rule whose targets keep the context, whether they get the event as it is or fields chosen from it. */
export class TracedRule extends Rule {
  /**
   * Sends matching events to a queue.
   * `fields`: what the message holds, with `EventField.fromPath('$.detail.…')` for parts of the event. @default the whole event
   */
  sendTo(
    queue: IQueue,
    { fields, ...props }: Omit<SqsQueueProps, 'message'> & { readonly fields?: Readonly<Record<string, unknown>> } = {},
  ): void {
    this.addTarget(
      new SqsQueue(queue, { ...props, ...(fields === undefined ? {} : { message: tracedInput(fields) }) }),
    );
  }
}
