/** A process of its own, as a Lambda is one: ticks over the cluster named in the environment. Prints times and memory. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dynamodbTable } from '../../lib/adapters/dynamodb.ts';
import { watermarkSources } from '../../lib/adapters/watermark-sources.ts';
import type { WatermarksConfig } from '../../lib/model/config/watermarks.ts';
import { recall } from '../../lib/watermark/recall.ts';
import { runTick } from '../../lib/watermark/tick.ts';
import { residentPeak } from '../resident.ts';

const ca = readFileSync(join(import.meta.dirname, '../../test/support/tls/ca.pem'), 'utf8');
const config: WatermarksConfig = {
  clusters: { prod: { endpoint: process.env['BENCH_API'] ?? '', ca } },
  rules: { PodFull: { gauge: 'pod-memory', forSeconds: 0, per: 'container' } },
};
const clock = () => Date.now();
let alerts = 0;
const given = {
  config,
  sources: watermarkSources({ config, clock, env: process.env }),
  table: dynamodbTable({ tableName: 'state', clock }),
  bus: {
    put: async (events: readonly unknown[]) => {
      alerts += events.length;
    },
  },
  clock,
  log: () => undefined,
  recall: recall(),
  trace: undefined,
};

const ticks = [];
for (let n = 0; n < Number(process.argv[2] ?? 5); n += 1) {
  const began = performance.now();
  const result = await runTick({ tick: new Date(clock() + n * 60_000).toISOString(), offsetSeconds: 0 }, given);
  ticks.push({ seconds: (performance.now() - began) / 1000, ...result });
}
process.stdout.write(`${JSON.stringify({ ticks, alerts, residentMiB: residentPeak() })}\n`);
process.exit(0);
