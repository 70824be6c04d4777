export { grantPressure } from './grant-pressure.ts';
export { TracedConsumer, type TracedConsumerProps } from './traced-consumer.ts';
export { TracedEventBus } from './traced-event-bus.ts';
export { TracedPipe, type TracedPipeProps } from './traced-pipe.ts';
export { TracedQueue, type TracedQueueProps } from './traced-queue.ts';
export { TracedRule, tracedInput } from './traced-rule.ts';
export { TracedSchedule, type TracedScheduleProps } from './traced-schedule.ts';
export { TracedTopic } from './traced-topic.ts';
export { type LostContext, lostContexts, validateContext } from './validate-context.ts';
