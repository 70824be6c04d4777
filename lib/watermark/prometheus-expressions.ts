import { type GaugeName, queueGauges, type WatchedQueue, type WatermarkRule } from '../model/config/watermarks.ts';
import { capacityOf, nameOfQueue } from '../model/queue-snapshot.ts';

/** What a gauge is in PromQL. Metrics: cAdvisor's, kube-state-metrics', and those of prometheus-community's CloudWatch exporter (YACE). */
export interface Expression {
  /** Recording rules, in order; the last is the value, one series each with the labels of `by`. So alerts stay readable. */
  readonly records: readonly (readonly [record: string, value: string])[];
  /** Labels that tell its series apart; undefined where only the query itself knows. */
  readonly by: readonly string[] | undefined;
  /** Not above this severity, as a value that is no share of a limit is. */
  readonly atMost?: 'warning';
  /** Matches what exists, whether it has a value or not: what is gone from it has ended. */
  readonly exists?: string;
  /** Pods that somebody else takes care of, or that opted out. */
  readonly excused?: readonly string[];
  /** The metric without which the rule is blind. */
  readonly needs?: string;
}

/** What alerts look at. */
export const recordOf = ({ records }: Expression): string => records.at(-1)?.[0] ?? '';

/** Every expression of a rule (two where the severity depends on the basis), or why there is none. */
export const expressionsOf = (
  name: string,
  rule: WatermarkRule,
  queues: readonly WatchedQueue[],
): readonly Expression[] | { readonly cannot: string } => {
  const { gauge } = rule;
  const record = (what: string) => `tidemark:${name.replaceAll('-', '_')}:${what}`;
  if (gauge === 'pushed') return { cannot: 'pushed readings are not in Prometheus' };
  if (gauge === 'prometheus') return [{ records: [[record('value'), rule.query ?? '']], by: undefined }];
  if (gauge === 'cloudwatch') return [{ records: [[record('value'), cloudwatch(rule)]], by: undefined }];
  if (queueGauges.includes(gauge)) return queue(record('value'), rule, queues);
  const resource = gauge.endsWith('-memory') ? 'memory' : 'cpu';
  return gauge.startsWith('node-') ? [node(record('value'), resource)] : pods(record, rule, resource);
};

type Resource = 'memory' | 'cpu';

/** Use of `selector`'s containers, bytes or cores. */
const usage = (resource: Resource, selector: string): string =>
  resource === 'memory'
    ? `container_memory_working_set_bytes{${selector}}`
    : `rate(container_cpu_usage_seconds_total{${selector}}[2m])`;

const allocatable = (resource: Resource): string =>
  `max by (node) (kube_node_status_allocatable{resource="${resource}"})`;

const node = (record: string, resource: Resource): Expression => ({
  records: [[record, `max by (node) (${usage(resource, 'id="/"')})\n / on (node) ${allocatable(resource)}`]],
  by: ['node'],
  exists: 'kube_node_info',
  needs: 'container_memory_working_set_bytes',
});

/** As podUsage() has it: the limit of the fullest container; else its request, else the share of the node, for a warning at most. */
const pods = (record: (what: string) => string, rule: WatermarkRule, resource: Resource): readonly Expression[] => {
  const { against = 'auto', per = 'pod', gauge, selector = {} } = rule;
  const namespace = selector['namespace'] === undefined ? '' : `, namespace=${JSON.stringify(selector['namespace'])}`;
  const used = usage(resource, `container!="", container!="POD"${namespace}`);
  const isPer = per === 'container';
  const containers = 'by (namespace, pod, container)';
  const share = (kind: 'limits' | 'requests') => {
    const bound = `(max ${containers} (kube_pod_container_resource_${kind}{resource="${resource}"${namespace}}) > 0)`;
    const ratio = `${resource === 'memory' ? 'max' : 'sum'} ${containers} (${used})\n / ${bound}`;
    return isPer ? ratio : `max by (namespace, pod) (\n${ratio}\n)`;
  };
  const common = {
    by: isPer ? ['namespace', 'pod', 'container'] : ['namespace', 'pod'],
    exists: 'kube_pod_info',
    excused: [
      leftToAutoscaler(resource),
      `kube_pod_annotations{annotation_watermark_tidemark_dev_${gauge.replace('-', '_')}="off"}`,
    ],
    needs: 'container_memory_working_set_bytes',
  };
  const records = (of: 'limit' | 'request' | 'node', value: string) => [record(`of_${of}`), value] as const;
  const limit = records('limit', share('limits'));
  const request = records('request', share('requests'));
  if (against !== 'auto') {
    return [{ ...common, ...(against === 'limit' ? {} : warning), records: [against === 'limit' ? limit : request] }];
  }
  // A pod with any limit is measured by that alone, one without limits by its requests, one without either by its node.
  const without = ([other]: readonly [string, string]) => `unless on (namespace, pod) ${other}`;
  const ofNode = `max by (namespace, pod) (\nsum by (namespace, pod, node) (${used})\n / on (node) group_left () ${allocatable(resource)}\n)`;
  const node = records('node', ofNode);
  const basic = `(${request[0]}\n ${without(limit)})`;
  const other = isPer ? basic : `${basic}\n or (${node[0]}\n ${without(limit)}\n ${without(request)})`;
  const others = isPer ? [request] : [request, node];
  const { severity = resource === 'memory' ? 'critical' : 'warning' } = rule;
  if (severity === 'critical') {
    return [
      { ...common, records: [limit] },
      { ...common, ...warning, records: [...others, [record('of_other'), other]] },
    ];
  }
  return [{ ...common, records: [limit, ...others, [record('value'), `${limit[0]}\n or ${other}`]] }];
};

const warning = { atMost: 'warning' } as const;

/** Name of the recording rule of pods whose autoscaler still has room. */
export const leftToAutoscaler = (resource: Resource): string => `tidemark:pod_left_to_autoscaler:${resource}`;

/** Recording rules for that: which workloads have room, and which pods are theirs. As scalingBy() has it, but for the average. */
export const autoscalerRecords = (resource: Resource): readonly (readonly [record: string, value: string])[] => {
  const scaler = 'namespace, horizontalpodautoscaler';
  const workload = 'namespace, scaletargetref_kind, scaletargetref_name';
  const rooms = `tidemark:workload_with_room:${resource}`;
  const replicas = (which: string) => `max by (${scaler}) (kube_horizontalpodautoscaler_${which}_replicas)`;
  const room = [
    `max by (${workload}, horizontalpodautoscaler) (kube_horizontalpodautoscaler_info)`,
    `and on (${scaler}) ${replicas('status_current')} < ${replicas('spec_max')}`,
    `and on (${scaler}) kube_horizontalpodautoscaler_spec_target_metric{metric_name="${resource}"}`,
    `unless on (${scaler}) kube_horizontalpodautoscaler_status_condition{condition=~"ScalingActive|AbleToScale", status="false"} == 1`,
  ].join('\n ');
  const relabelled = (source: string) =>
    `label_replace(label_replace(\n${source},\n"scaletargetref_kind", "$1", "owner_kind", "(.*)"), "scaletargetref_name", "$1", "owner_name", "(.*)")`;
  const direct = 'max by (namespace, pod, owner_kind, owner_name) (kube_pod_owner{owner_is_controller="true"})';
  const sets =
    'max by (namespace, pod, owner_name) (kube_pod_owner{owner_kind="ReplicaSet", owner_is_controller="true"})';
  const replicaSet = `max by (namespace, pod, replicaset) (label_replace(${sets}, "replicaset", "$1", "owner_name", "(.*)"))`;
  const owners = 'max by (namespace, replicaset, owner_kind, owner_name) (kube_replicaset_owner)';
  const indirect = `${replicaSet}\n * on (namespace, replicaset) group_left (owner_kind, owner_name) ${owners}`;
  const pods = [direct, indirect].map(
    (source) => `(${relabelled(source)}\n * on (${workload}) group_left () max by (${workload}) (${rooms}))`,
  );
  return [
    [rooms, room],
    [leftToAutoscaler(resource), `max by (namespace, pod) (${pods.join('\n or ')})`],
  ];
};

/** A metric as YACE names it: words of the name joined by _, without those that only repeat the namespace. */
const exported = (
  namespace: string,
  name: string,
  statistic: string,
  dimensions: Readonly<Record<string, string>>,
): string => {
  const prefix = inWords(namespace.replace(/^\//, '').toLowerCase());
  let skipped = 0;
  const metric = inWords(name);
  for (const part of prefix.split('_')) if (metric.slice(skipped).startsWith(part)) skipped = part.length;
  const rest = metric.slice(skipped).replace(/^_/, '');
  const labels = Object.entries(dimensions).map(
    ([dimension, text]) => `dimension_${dimension.replaceAll(/[^a-zA-Z0-9_]/g, '_')}=${JSON.stringify(text)}`,
  );
  return `${prefix.startsWith('aws') ? '' : 'aws_'}${prefix}_${rest}_${inWords(statistic)}{${labels.join(', ')}}`;
};

const inWords = (text: string): string =>
  text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^a-zA-Z0-9_]/g, '_')
    .toLowerCase();

const cloudwatch = ({ metric }: WatermarkRule): string => {
  const { namespace = '', name = '', statistic = 'Average', dimensions = {}, capacity } = metric ?? {};
  const source = exported(namespace, name, statistic, dimensions);
  return capacity === undefined ? source : `${source} / ${capacity}`;
};

const queue = (
  record: string,
  rule: WatermarkRule,
  queues: readonly WatchedQueue[],
): readonly Expression[] | { cannot: string } => {
  const chosen = rule.selector?.['queue'];
  const values = queues
    .filter((each) => chosen === undefined || nameOfQueue(each) === chosen)
    .flatMap((each) => queueValues[rule.gauge]?.(each, rule) ?? []);
  if (values.length === 0) return { cannot: 'none of its queues has the capacity or age that it needs' };
  const value = values.length === 1 ? (values[0] ?? '') : values.map((each) => `(${each})`).join('\n or ');
  return [
    { records: [[record, value]], by: ['queue'], needs: 'aws_sqs_approximate_number_of_messages_visible_average' },
  ];
};

/** By queue; nothing where the queue's configuration lacks what the gauge needs. */
const queueValues: Partial<
  Record<GaugeName, (queue: WatchedQueue, rule: WatermarkRule) => string | readonly string[]>
> = {
  'queue-backlog': (queue) => {
    const capacity = capacityOf(queue);
    return capacity === undefined ? [] : `${sqs(queue, 'ApproximateNumberOfMessagesVisible')} / ${capacity}`;
  },
  'queue-in-flight': (queue) => sqs(queue, 'ApproximateNumberOfMessagesNotVisible'),
  'queue-age': (queue) =>
    queue.maxAgeSeconds === undefined
      ? []
      : `${sqs(queue, 'ApproximateAgeOfOldestMessage', 'Maximum')} / ${queue.maxAgeSeconds}`,
  'queue-dead-letters': (queue) =>
    ['Visible', 'NotVisible', 'Delayed'].map((state) => sqs(queue, `ApproximateNumberOfMessages${state}`)).join(' + '),
  'queue-drain': (queue) => {
    const visible = sqs(queue, 'ApproximateNumberOfMessagesVisible');
    const waiting = `(${visible} > ${queue.minBacklog ?? 0})`;
    return `(${waiting}\n / -(${slope(queue)} < 0))\n or (${waiting} * Inf)\n or (${visible} * 0)`;
  },
  'queue-breach': (queue, { horizonSeconds = 900 }) => {
    const capacity = capacityOf(queue);
    if (capacity === undefined) return [];
    const visible = sqs(queue, 'ApproximateNumberOfMessagesVisible');
    return `((${visible} >= ${capacity}) * Inf)\n or (${horizonSeconds} * (${slope(queue)} > 0)\n / (${capacity} - ${visible}))\n or (${visible} * 0)`;
  },
};

const sqs = (queue: WatchedQueue, name: string, statistic = 'Average'): string =>
  byQueue(exported('AWS/SQS', name, statistic, { QueueName: nameOfQueue(queue) }));

const slope = (queue: WatchedQueue): string =>
  byQueue(
    `deriv(${exported('AWS/SQS', 'ApproximateNumberOfMessagesVisible', 'Average', { QueueName: nameOfQueue(queue) })}[10m])`,
  );

const byQueue = (source: string): string =>
  `max by (queue) (label_replace(${source}, "queue", "$1", "dimension_QueueName", "(.*)"))`;
