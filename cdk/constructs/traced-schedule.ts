import { type Duration, Stack } from 'aws-cdk-lib';
import { type IRole, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { Failure } from '../../lib/model/failure.ts';

export interface TracedScheduleProps {
  /** @default CloudFormation's choice */
  readonly scheduleName?: string;
  /** `rate(1 minute)`, `cron(…)`, `at(…)`. One minute is the shortest. */
  readonly expression: string;
  readonly queue: IQueue;
  /** Where a tick goes that could not be sent. */
  readonly deadLetters: IQueue;
  /** Members of the message besides `tick`, the time that it was due, by which a repeated one is known. */
  readonly message?: Readonly<Record<string, unknown>>;
  /** Hides each message for so long, up to 15 minutes. @default sent at once */
  readonly delay?: Duration;
  /** @default one that may send to these two queues */
  readonly role?: IRole;
}

/**
 * Sends `{ "tick": "<time>", … }` to a queue on a schedule. Every tick starts a trace of its own: a context in the message would
 * be the same each time, and all ticks one trace without end, so one is refused.
 */
export class TracedSchedule extends Construct {
  constructor(scope: Construct, id: string, props: TracedScheduleProps) {
    super(scope, id);
    const { queue, deadLetters, message = {}, delay } = props;
    if (/traceparent|"_trace"/.test(JSON.stringify(message))) {
      throw new Failure('misconfigured', 'a schedule sends the same context at every tick; leave it out', {
        where: this.node.path,
      });
    }
    const stack = Stack.of(this);
    new CfnSchedule(this, 'Schedule', {
      ...(props.scheduleName === undefined ? {} : { name: props.scheduleName }),
      scheduleExpression: props.expression,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        // The plain SQS target cannot delay a message; the universal target passes SendMessage's own parameters.
        arn: `arn:${stack.partition}:scheduler:::aws-sdk:sqs:sendMessage`,
        roleArn: (props.role ?? scheduleRole(this, 'Role', [queue, deadLetters])).roleArn,
        input: stack.toJsonString({
          QueueUrl: queue.queueUrl,
          ...(delay === undefined ? {} : { DelaySeconds: delay.toSeconds() }),
          MessageBody: JSON.stringify({ tick: '<aws.scheduler.scheduled-time>', ...message }),
        }),
        // A tick that comes late is superseded by the next one.
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 2 },
        deadLetterConfig: { arn: deadLetters.queueArn },
      },
    });
  }
}

/** A role for schedules that may send to these queues and do nothing else. */
export const scheduleRole = (scope: Construct, id: string, queues: readonly IQueue[]): Role => {
  const role = new Role(scope, id, { assumedBy: new ServicePrincipal('scheduler.amazonaws.com') });
  role.addToPolicy(
    new PolicyStatement({ actions: ['sqs:SendMessage'], resources: queues.map(({ queueArn }) => queueArn) }),
  );
  return role;
};
