import { defineConfig } from '../../lib/model/config.ts';
import { shopNames } from './names.ts';

const queue = (name: string) => `arn:aws:sqs:us-east-1:000000000000:${name}`;

/** What a team with a shop would write. Times are short, so that a run of a minute shows them; a real one leaves the defaults. */
export default defineConfig({
  watermarks: {
    clusters: { shop: { endpoint: 'env:SHOP_KUBERNETES_API', tokenSecret: 'secretsmanager:shop/kubernetes-token' } },
    queues: [
      { arn: queue(shopNames.orders), capacity: 500 },
      { arn: queue(shopNames.inventory), capacity: 500 },
    ],
    rules: {
      PodMemoryHigh: { gauge: 'pod-memory', high: 0.9, low: 0.8, forSeconds: 4, keepFiringForSeconds: 4 },
      OrdersBacklog: { gauge: 'queue-backlog', high: 0.9, low: 0.8, forSeconds: 4, keepFiringForSeconds: 4 },
      ReservationBookFull: { gauge: 'pushed', high: 0.9, low: 0.8, forSeconds: 4, keepFiringForSeconds: 4 },
    },
  },
  alerts: {
    receivers: {
      oncall: { channel: 'wecom', url: 'secretsmanager:shop/robot-url', mention: ['carol'] },
      audit: { channel: 'webhook', url: 'secretsmanager:shop/audit-url', secret: 'secretsmanager:shop/audit-secret' },
    },
    default: ['oncall', 'audit'],
    // Alertmanager and Grafana post with a token; the alarms of the account publish to a topic.
    inbound: {
      bearer: 'secretsmanager:shop/alerts-token',
      hmac: 'secretsmanager:shop/alerts-hmac',
      topics: ['arn:aws:sns:us-east-1:000000000000:shop-alarms'],
    },
    // Every alert at once and by itself; a team that is paged by people's standards leaves the waits as they are.
    groupBy: ['...'],
    groupWaitSeconds: 0,
    groupIntervalSeconds: 1,
    criticalWaitSeconds: 0,
  },
});
