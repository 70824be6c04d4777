import type { WatermarksConfig } from '../../lib/model/config/watermarks.ts';

const arn = (name: string) => `arn:aws:sqs:eu-central-1:123456789012:${name}`;
const times = { forSeconds: 60, keepFiringForSeconds: 0 };

/** A rule of every gauge and a use of every key that changes what is exported to Prometheus. */
export const everyGauge: WatermarksConfig = {
  clusters: { prod: { eks: 'prod' } },
  queues: [
    { arn: arn('orders'), capacity: 1000, maxAgeSeconds: 60, minBacklog: 10 },
    { arn: arn('mails'), consumeRatePerSecond: 5, maxAgeSeconds: 100 },
    { arn: arn('orders-dead') },
  ],
  prometheus: { main: { url: 'https://prometheus.example' } },
  rules: {
    PodMemory: { gauge: 'pod-memory', ...times, labels: { team: 'a "b"' } },
    PodMemoryWarning: { gauge: 'pod-memory', ...times, severity: 'warning', selector: { namespace: 'shop' } },
    ContainerCpu: {
      gauge: 'pod-cpu',
      forSeconds: 0,
      per: 'container',
      against: 'limit',
      samples: { atLeast: 3, of: 4 },
    },
    'Cpu-request': { gauge: 'pod-cpu', ...times, against: 'request', noData: 'ok' },
    ContainerAuto: { gauge: 'pod-memory', ...times, per: 'container' },
    NodeMemory: { gauge: 'node-memory', ...times, noData: 'alert', noDataForSeconds: 120, runbookUrl: 'https://x/"y"' },
    NodeCpu: { gauge: 'node-cpu', ...times, forSeconds: 0.5 },
    Backlog: { gauge: 'queue-backlog', ...times },
    InFlight: { gauge: 'queue-in-flight', selector: { queue: 'orders' } },
    Age: { gauge: 'queue-age', ...times },
    Dead: { gauge: 'queue-dead-letters', forSeconds: 0, selector: { queue: 'orders-dead' } },
    Drain: { gauge: 'queue-drain', ...times },
    Breach: { gauge: 'queue-breach', ...times },
    Disk: {
      gauge: 'prometheus',
      query: 'used / size',
      ...times,
      labels: { team: 'b' },
      forecast: { withinSeconds: 3600, from: 0.85 },
    },
    Database: {
      gauge: 'cloudwatch',
      high: 80,
      metric: { namespace: 'AWS/RDS', name: 'CPUUtilization', dimensions: { DBInstanceIdentifier: 'shop' } },
    },
    Sessions: { gauge: 'pushed', reading: 'sessions' },
  },
};
