import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Alert, alert } from '../../lib/model/alert.ts';
import type { AlertsConfig } from '../../lib/model/config/alerts.ts';
import { wecomRobot } from '../support/robots/index.ts';
import { simulate } from '../support/simulator/world.ts';

const start = Date.parse('2026-01-01T00:00:00Z');

/** A thousand alerts in one minute to one robot, one in twenty of them critical. */
const storm = async (
  config: Partial<AlertsConfig>,
  words: { readonly pod: string; readonly summary: string },
  /** Seconds before the storm at which the groups are told of a first alert. */
  before?: number,
) => {
  const robot = wecomRobot();
  const world = simulate({
    seed: 3,
    start: start - (before ?? 0) * 1000,
    latencyMs: 200,
    robots: { robot },
    config: { receivers: { robot: { channel: 'wecom', url: 'secretsmanager:robot' } }, default: ['robot'], ...config },
  });
  const raised: { readonly each: Alert; readonly at: number }[] = [];
  for (let index = 0; index < 1000; index += 1) {
    const at = start + index * 60;
    const each = alert({
      status: 'firing',
      labels: {
        alertname: `Alert${index % 40}`,
        severity: index % 20 === 0 ? 'critical' : index % 2 === 0 ? 'info' : 'warning',
        service: `service-${index % 25}`,
        pod: `${words.pod}-${index}`,
      },
      annotations: { summary: `${words.summary} ${index}` },
      startsAt: new Date(at).toISOString(),
    });
    raised.push({ each, at });
    world.raise(each, at);
  }
  for (let index = 0; before !== undefined && index < 25; index += 1) {
    const labels = { alertname: 'First', severity: 'info', service: `service-${index}` };
    const startsAt = new Date(start - before * 1000).toISOString();
    world.raise(alert({ status: 'firing', labels, annotations: {}, startsAt }), start - before * 1000);
  }
  await world.time.run(start + 900_000);
  const seenAt = new Map<string, number>();
  for (const { alert: each, at } of world.seen) if (!seenAt.has(each.fingerprint)) seenAt.set(each.fingerprint, at);
  return {
    robot,
    world,
    waits: raised.map(({ each, at }) => ({
      each,
      seconds: ((seenAt.get(each.fingerprint) ?? Number.POSITIVE_INFINITY) - at) / 1000,
    })),
  };
};

const words = {
  plain: { pod: 'pod', summary: 'value is' },
  Chinese: { pod: '订单服务-实例', summary: '磁盘使用率过高，请立即处理，已达到' },
};

test('so it is for groups that have been told of something a minute before, whatever they wait for company', async () => {
  for (const config of [
    {},
    { groupWaitSeconds: 0 },
    { groupBy: ['service'] },
    { groupBy: ['service'], groupWaitSeconds: 0 },
  ]) {
    const { robot, waits } = await storm(config, words.plain, 60);
    const times = robot.received.map(({ at }) => at);
    for (const at of times) assert.ok(times.filter((other) => other > at - 60_000 && other <= at).length <= 20);
    const slowest = (list: typeof waits) => Math.max(...list.map(({ seconds }) => seconds));
    const critical = slowest(waits.filter(({ each }) => each.labels['severity'] === 'critical'));
    assert.ok(critical <= 60, `${JSON.stringify(config)}: critical ${critical} s`);
    assert.ok(slowest(waits) <= 180, `${JSON.stringify(config)}: ${slowest(waits)} s`);
  }
});

for (const [grouping, config] of Object.entries({
  'as it is unless told': {},
  'without a wait for company': { groupWaitSeconds: 0 },
  'by service': { groupBy: ['service'] },
  'each alert by itself, with the usual waits': { groupBy: ['...'] },
  'each alert by itself': { groupBy: ['...'], groupWaitSeconds: 0, groupIntervalSeconds: 1 },
}))
  for (const [language, said] of Object.entries(words))
    test(`a storm of a thousand alerts, grouped ${grouping}, ${language}: 20 messages a minute, critical ones within one, all within three`, async () => {
      const { robot, world, waits } = await storm(config, said);
      const times = robot.received.map(({ at }) => at);
      for (const at of times) assert.ok(times.filter((other) => other > at - 60_000 && other <= at).length <= 20);
      assert.equal(robot.requests(), times.length, 'none was refused');
      const slowest = (list: typeof waits) => Math.max(...list.map(({ seconds }) => seconds));
      const critical = waits.filter(({ each }) => each.labels['severity'] === 'critical');
      assert.equal(critical.length, 50);
      assert.ok(slowest(critical) <= 60, `${slowest(critical)} s`);
      assert.ok(slowest(waits) <= 180, `${slowest(waits)} s`);
      assert.equal(world.seen.length, 1000, 'each once');
    });
