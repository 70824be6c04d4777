import assert from 'node:assert/strict';
import { test } from 'node:test';
import { webhookRobot } from '../support/robots/index.ts';
import { everything } from '../support/simulator/chaos.ts';
import { simulate } from '../support/simulator/world.ts';

const start = Date.parse('2026-03-01T00:00:00Z');
const iso = (second: number) => new Date(start + second * 1000).toISOString();
const count = 40;

/** Alerts that are posted every minute, each until some time of its own, as Prometheus does that then dies. */
const posts = (lastAt: (index: number) => number) =>
  Array.from({ length: 28 }, (_, minute) => minute * 60).map((second) => ({
    second,
    body: Array.from({ length: count }, (_, index) => index)
      .filter((index) => second <= lastAt(index))
      .map((index) => ({
        labels: { alertname: `A${index}`, service: `s${index % 7}` },
        annotations: {},
        startsAt: iso(0),
        endsAt: iso(second + 240),
      })),
  }));

for (const seed of [1, 2, 3])
  test(`with every fault at once what is posted no more is told to be over, once and not before (seed ${seed})`, async () => {
    const lastAt = (index: number) => 600 + ((index * 37) % 900);
    const world = simulate({
      seed,
      start,
      faults: { ...everything, crashes: 0.03 },
      robots: { hook: webhookRobot() },
      config: {
        receivers: { hook: { channel: 'webhook', url: 'secretsmanager:hook' } },
        default: ['hook'],
        groupBy: ['service'],
        groupWaitSeconds: 5,
        groupIntervalSeconds: 20,
      },
    });
    for (const { second, body } of posts(lastAt))
      world.time.at(start + second * 1000, () => body.length > 0 && world.send(JSON.stringify(body)));
    await world.time.run(start + 6 * 3_600_000);
    assert.ok(world.counts.crashes > 0);
    for (let index = 0; index < count; index += 1) {
      const told = world.seen.filter(({ alert }) => alert.labels['alertname'] === `A${index}`);
      assert.deepEqual(
        told.map(({ alert: { status } }) => status),
        ['firing', 'resolved'],
        `A${index}`,
      );
      // A post may be lost to a process that died until long after: then the one before it counts.
      const lastPost = Math.floor(lastAt(index) / 60) * 60;
      const ended = (Date.parse(told[1]?.alert.endsAt ?? '') - start) / 1000;
      assert.ok(
        ended <= lastPost + 240 && ended >= lastPost + 60,
        `A${index} ended at ${ended}, posted at ${lastPost}`,
      );
    }
  });
