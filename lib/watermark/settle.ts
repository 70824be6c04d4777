import type { Alert } from '../model/alert.ts';
import { Failure } from '../model/failure.ts';
import { nameOfQueue } from '../model/queue-snapshot.ts';
import type { TraceRef } from './breach-alert.ts';
import type { Evaluating } from './evaluating.ts';
import { inParallel, writesAtOnce } from './in-parallel.ts';
import type { Step } from './series-step.ts';
import { saveSeries } from './series-store.ts';

/** Tells first and stores second: a crash between repeats an alert (same identity and start), it never loses one. Answers how many. */
export const settle = async (given: Evaluating, steps: readonly Step[]): Promise<{ readonly alerts: number }> => {
  const { table, log, trace } = given;
  const told = await Promise.all(steps.map(async (each) => each.alerts((await traceInQueue(given, each)) ?? trace)));
  const alerts = told.flat();
  await tell(given, alerts);
  await inParallel(steps, writesAtOnce, async ({ rule, key, labels, state, severity, ruleLabels, former }) => {
    const saved = await saveSeries(table, rule, key, { labels, state, severity, ruleLabels }, former);
    if (!saved) log('warn', 'another evaluation has moved this series on', { rule, labels });
  });
  return { alerts: alerts.length };
};

/** Alerts go on the bus, and into the log. */
export const tell = async ({ bus, log }: Pick<Evaluating, 'bus' | 'log'>, alerts: readonly Alert[]): Promise<void> => {
  await bus.put(alerts.map(eventOf));
  for (const { status, labels, annotations, fingerprint } of alerts) {
    log('info', `alert ${status}`, { fingerprint, labels, reason: annotations['reason'] });
  }
};

/** An alert as the bus carries it. */
const eventOf = (detail: Alert) => ({ source: 'tidemark.evaluate-watermarks', detailType: 'Alert', detail });

/** Of a dead-letter queue always, of another one only where the configuration allows to look into it. */
const traceInQueue = async (
  { config, sources, log }: Evaluating,
  { peek, labels }: Step,
): Promise<TraceRef | undefined> => {
  const queue = config.queues?.find((each) => nameOfQueue(each) === labels['queue']);
  if (peek === undefined || queue === undefined || !(queue.peek ?? peek === 'queue-dead-letters')) return undefined;
  try {
    return await sources.traceInQueue(queue);
  } catch (thrown) {
    // The alert is worth more than its trace.
    log('warn', 'the queue could not be looked into for a trace', {
      queue: labels['queue'],
      reason: Failure.from(thrown).message,
    });
    return undefined;
  }
};
