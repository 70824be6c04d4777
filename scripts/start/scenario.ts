import { DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { startTraffic, type Traffic } from '../../examples/shop/traffic.ts';
import { systemClock, systemRandom } from '../../lib/adapters/clock.ts';
import { decompress, sniffEncoding } from '../../lib/adapters/compression.ts';
import { s3Bucket } from '../../lib/adapters/s3.ts';
import type { Alert } from '../../lib/model/alert.ts';
import { assemble, type Trace } from '../../lib/trace/assemble.ts';
import type { Score } from '../../lib/trace/score.ts';
import { decodeStored } from '../../lib/trace/window.ts';
import type { Progress } from '../progress.ts';
import { judgeAlerts, judgeTraces, type OrderState, type Run } from './outcome.ts';
import { faults, ordersPerSecond, rampSeconds, slackSeconds, trafficSeconds, windowSeconds } from './plan.ts';
import type { Surroundings } from './surroundings.ts';

/** Where the shop and tidemark run: the outputs of their stacks. AWS clients find it by `AWS_ENDPOINT_URL`. */
export interface Where {
  readonly usersUrl: string;
  readonly shopTable: string;
  readonly bucket: string;
}

export interface Played {
  readonly run: Run;
  readonly traffic: Traffic;
  readonly traces: ReadonlyMap<string, Trace>;
  readonly scores: readonly Score[];
}

/** Runs customers through the shop while the faults of the plan come and go, and judges what came out at the far end. */
export const playScenario = async (options: {
  readonly where: Where;
  readonly withFaults: boolean;
  readonly surroundings: Surroundings;
  /** The alerts seen on the bus so far; grows while the scenario runs. */
  readonly raised: readonly Alert[];
  /** Series that ticks have measured, and alerts that watermarks have raised, so far. */
  readonly watermarks: () => Run['watermarks'];
  readonly shown: Progress;
  /** How long customers come. @default trafficSeconds of the plan */
  readonly seconds?: number;
  /** Milliseconds since the epoch when the whole run began. */
  readonly began: number;
}): Promise<Played> => {
  const { where, withFaults, surroundings, raised, watermarks, shown, began, seconds = trafficSeconds } = options;
  shown.step(`${seconds} s of customers, ${ordersPerSecond} orders a second${withFaults ? ', with faults' : ''}`);
  const traffic = await runShop(options);
  shown.step('let the last windows close and the last alerts arrive');
  await settle(surroundings, raised);
  shown.step('judge what came out');
  const orders = await readOrders(where, traffic);
  const traces = await readTraces(where);
  const scores = await readScores(where);
  const run: Run = {
    traces: judgeTraces(orders, traces),
    alerts: judgeAlerts(raised, surroundings.seen()),
    findings: scores.flatMap(({ findings }) => findings),
    watermarks: watermarks(),
    seconds: Math.round((systemClock() - began) / 100) / 10,
  };
  return { run, traffic, traces, scores };
};

/** Whether the run shows what it should: everything whole and delivered, each fault found, and nothing where there was none. */
export const isGood = (run: Run, withFaults: boolean): boolean =>
  run.traces.expected > 0 &&
  run.traces.whole === run.traces.expected &&
  run.alerts.lost === 0 &&
  run.alerts.duplicates === 0 &&
  (withFaults ? faults.every(({ expected }) => found(run, expected)) : run.findings.length === 0);

const found = (run: Run, { kind, service }: { readonly kind: string; readonly service: string }): boolean =>
  run.findings.some((finding) => finding.kind === kind && finding.service === service);

const runShop = async ({
  where: { usersUrl, shopTable },
  withFaults,
  shown,
  surroundings,
  raised,
  seconds = trafficSeconds,
}: Parameters<typeof playScenario>[0]): Promise<Traffic> => {
  const dynamodb = new DynamoDBClient({});
  const traffic = startTraffic({
    usersUrl,
    ordersPerSecond,
    rampSeconds,
    clock: systemClock,
    random: systemRandom,
  });
  const began = systemClock();
  let active = '';
  for (;;) {
    const second = (systemClock() - began) / 1000;
    if (second >= seconds) break;
    const now = withFaults ? faults.filter(({ from, to }) => second >= from && second < to) : [];
    const names = now.map(({ name }) => name).join(', ');
    if (names !== active) {
      active = names;
      const json = JSON.stringify(Object.assign({}, ...now.map(({ switches }) => switches)));
      await dynamodb.send(
        new PutItemCommand({
          TableName: shopTable,
          Item: { pk: { S: 'faults' }, sk: { S: 'faults' }, json: { S: json } },
        }),
      );
      shown.say(names === '' ? 'faults off' : `fault on: ${names}`);
    }
    // Up to 97 % of its limit at two fifths of the run, then restarted.
    const share = second / seconds;
    surroundings.setMemory(share < 0.6 ? Math.min(0.97, 0.4 + share * 1.5) : 0.35);
    shown.detail(
      `${second.toFixed(0)} s, ${traffic.placed.length} orders, ${raised.length} alerts${active === '' ? '' : `, ${active}`}`,
    );
    await pause(500);
  }
  await traffic.stop();
  dynamodb.destroy();
  return traffic;
};

/** Waits until every window had its time and everything raised was seen, or nothing moved for long. */
const settle = async (surroundings: Surroundings, raised: readonly Alert[]): Promise<void> => {
  await pause((windowSeconds * 2 + slackSeconds + 3) * 1000);
  const deadline = systemClock() + 60_000;
  while (systemClock() < deadline && judgeAlerts(raised, surroundings.seen()).lost > 0) await pause(500);
  await pause(1500);
};

const readOrders = async ({ shopTable }: Where, traffic: Traffic): Promise<OrderState[]> => {
  const dynamodb = new DynamoDBClient({});
  const query = async (pk: string) => {
    const items = [];
    let start: Record<string, { S: string }> | undefined;
    do {
      const answer: { Items?: Record<string, { S?: string }>[]; LastEvaluatedKey?: Record<string, { S: string }> } =
        (await dynamodb.send(
          new QueryCommand({
            TableName: shopTable,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: { ':pk': { S: pk } },
            ...(start === undefined ? {} : { ExclusiveStartKey: start }),
          }),
        )) as never;
      items.push(...(answer.Items ?? []));
      start = answer.LastEvaluatedKey;
    } while (start !== undefined);
    return items;
  };
  const states = new Map((await query('order')).map((item) => [item['sk']?.S ?? '', item['state']?.S ?? '']));
  const oldWay = new Set((await query('old-way')).map((item) => item['sk']?.S ?? ''));
  dynamodb.destroy();
  return traffic.placed.map(({ order, traceId }) => ({
    id: order.id,
    traceId,
    state: states.get(order.id) ?? 'unknown',
    oldWay: oldWay.has(order.id),
  }));
};

const readTraces = async ({ bucket: bucketName }: Where): Promise<Map<string, Trace>> => {
  const bucket = s3Bucket({ bucketName });
  const spans = [];
  for (const key of await bucket.list('spans/')) {
    const bytes = await bucket.get(key);
    if (bytes !== undefined) spans.push(...decodeStored(key, await decompress(bytes, sniffEncoding(bytes))).spans);
  }
  return new Map(assemble(spans).map((trace) => [trace.traceId, trace]));
};

const readScores = async ({ bucket: bucketName }: Where): Promise<Score[]> => {
  const bucket = s3Bucket({ bucketName });
  const keys = (await bucket.list('reports/')).filter((key) => key.endsWith('score.json'));
  return Promise.all(
    keys.map(async (key) => JSON.parse(Buffer.from((await bucket.get(key)) ?? []).toString()) as Score),
  );
};

const pause = (milliseconds: number): Promise<void> => new Promise((resume) => setTimeout(resume, milliseconds));
