import { defineGauge } from '../gauge.ts';

/** Messages received and not yet deleted; SQS stops handing out at 120,000 of a standard queue. */
export const queueInFlight = defineGauge<'queue'>({
  name: 'queue-in-flight',
  source: 'queue',
  unit: 'messages',
  defaults: { high: 108_000, low: 96_000, severity: 'warning' },
  goneReason: undefined,
  measure: ({ name, at, inFlight }) => {
    const describe = () => ({ basis: 'quota of SQS', used: `${inFlight} messages`, capacity: '120000 messages' });
    return { series: [{ labels: { queue: name }, at, value: inFlight, describe }], skipped: {} };
  },
});
