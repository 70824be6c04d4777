import { type Hop, membersOf, textOf } from '../hop.ts';

export const schedule: Hop = {
  rule: 'schedule-with-fixed-context',
  resourceTypes: ['AWS::Scheduler::Schedule'],
  losses: ({ Target, ScheduleExpression }) =>
    /traceparent/i.test(textOf(membersOf(Target)['Input']) ?? '') && !textOf(ScheduleExpression)?.startsWith('at(')
      ? [
          {
            at: 'Target/Input',
            loss: 'the input is the same at every tick, so all ticks become one trace without end',
            fix: 'leave the context out: a tick starts a trace of its own; name it by <aws.scheduler.scheduled-time>, as TracedSchedule does',
          },
        ]
      : [],
};
