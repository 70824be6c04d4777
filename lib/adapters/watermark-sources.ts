import type { CloudWatchMetric, WatchedQueue, WatermarkRule, WatermarksConfig } from '../model/config/watermarks.ts';
import { Failure } from '../model/failure.ts';
import type { Clock, Secrets } from '../model/ports.ts';
import { cloudwatchMetric } from './cloudwatch.ts';
import { kubernetesCluster } from './kubernetes.ts';
import { prometheusServer } from './prometheus.ts';
import { queueLooks, type TraceOf } from './sqs-attributes.ts';

/** Everything that gauges are measured from, as the configuration names it. Connections and tokens are kept between ticks. */
export const watermarkSources = (options: {
  readonly config: WatermarksConfig;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @default `env:NAME` only */
  readonly secrets?: Secrets;
  /** Reads the trace context that the message of a ReceiveMessage answer carries. @default none is read */
  readonly traceOf?: TraceOf;
}) => {
  const { config, clock, env } = options;
  const secrets = options.secrets ?? environmentSecrets(env);
  const metric = cloudwatchMetric({ clock, env });
  const clusters = new Map(
    Object.entries(config.clusters ?? {}).map(([name, cluster]) => [
      name,
      kubernetesCluster({ name, config: cluster, secrets, clock, env }),
    ]),
  );
  const servers = new Map(
    Object.entries(config.prometheus ?? {}).map(([name, server]) => [
      name,
      prometheusServer({ name, config: server, secrets, clock, env }),
    ]),
  );
  const looks = queueLooks({ clock, oldestAge: async (name) => (await metric(oldestAgeOf(name)))?.value });
  return {
    cluster: (name: string, needs: { readonly pods: boolean; readonly nodes: boolean }) =>
      named(clusters, name, 'clusters').snapshot(needs),
    queue: (queue: WatchedQueue, needs: { readonly age: boolean }) => looks.look(queue, needs),
    traceInQueue: (queue: WatchedQueue) => looks.trace(queue, options.traceOf),
    cloudwatch: async ({ metric: wanted }: WatermarkRule) => {
      if (wanted === undefined)
        throw new Failure('misconfigured', 'the rule has no `metric`', { where: 'watermarks.rules' });
      const found = await metric(wanted);
      const labels = { metric: wanted.name, ...wanted.dimensions };
      return found === undefined ? [] : [{ labels, ...found }];
    },
    prometheus: (server: string, query: string) => named(servers, server, 'prometheus')(query),
  };
};

const named = <T>(members: ReadonlyMap<string, T>, name: string, section: string): T => {
  const member = members.get(name);
  if (member === undefined)
    throw new Failure('misconfigured', `there is no '${name}'`, { where: `watermarks.${section}` });
  return member;
};

const oldestAgeOf = (queue: string): CloudWatchMetric => ({
  namespace: 'AWS/SQS',
  name: 'ApproximateAgeOfOldestMessage',
  dimensions: { QueueName: queue },
  statistic: 'Maximum',
});

const environmentSecrets =
  (env: Readonly<Record<string, string | undefined>>): Secrets =>
  async (reference) => {
    const value = reference.startsWith('env:') ? env[reference.slice(4)] : undefined;
    if (value === undefined) throw new Failure('not-found', 'no such secret', { where: reference });
    return value;
  };
