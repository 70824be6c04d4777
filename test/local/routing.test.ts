import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';
import { after, before, test } from 'node:test';
import type { Config } from '../../lib/model/config.ts';
import { encodeJson } from '../../lib/telemetry/encode.ts';
import { boot, type Cloud } from '../../local/cloud.ts';
import { aSpan } from '../support/a-span.ts';
import { deadUrl, type OtlpServer, startOtlpServer } from '../support/otlp-server.ts';

/** The deployed collect-spans in front of three OTLP servers: one well, one slow, one that is not there. */
const root = normalize(join(import.meta.dirname, '../..'));
const folder = mkdtempSync(join(tmpdir(), 'tidemark-routing-'));
const lines: string[] = [];
/** How long the slow one takes at least. */
const slowMs = 1500;
/** Spans that the slow one has had to answer for before the healthy one had them. */
const late: string[] = [];
let cloud: Cloud;
let healthy: OtlpServer;
let slow: OtlpServer;

before(async () => {
  healthy = await startOtlpServer();
  // It answers after what is meant for the healthy one has come there: whoever let one wait for the other would wait in vain.
  slow = await startOtlpServer({
    answers: async (received) => {
      await pause(slowMs);
      const missing = () => received.filter(({ spanId }) => !healthy.spans.some((span) => span.spanId === spanId));
      for (let times = 0; missing().length > 0 && times < 100; times += 1) await pause(100);
      late.push(...missing().map(({ spanId }) => spanId));
    },
  });
  const dead = await deadUrl();
  const config: Config = {
    telemetry: {
      redaction: { strict: {} },
      backEnds: {
        healthy: {
          url: `${healthy.url}/v1/traces`,
          redaction: 'strict',
          secretHeaders: { 'api-key': 'ssm:collector-key' },
        },
        slow: { url: `${slow.url}/v1/traces`, encoding: 'json', compression: 'zstd' },
        dead: { url: `${dead}/v1/traces`, timeoutMs: 400, maxQueue: 20 },
      },
      routes: [
        { service: 'auth', backEnds: ['healthy', 'dead'] },
        { servicePrefix: 'pay-', backEnds: ['healthy', 'slow'] },
        { servicePattern: 'debug-[0-9]+', backEnds: [] },
      ],
      defaultBackEnds: ['healthy'],
    },
  };
  const configFile = join(folder, 'tidemark.config.ts');
  writeFileSync(configFile, `export default ${JSON.stringify(config)};\n`);
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'cdk/app.ts')], {
    cwd: root,
    env: {
      ...process.env,
      CDK_OUTDIR: join(folder, 'out'),
      CDK_CONTEXT_JSON: JSON.stringify({ 'tidemark:config': configFile, 'tidemark:codeCache': 'false' }),
    },
  });
  assert.equal(status, 0, stderr?.toString());
  cloud = await boot({
    assembly: join(folder, 'out'),
    clock: Date.now,
    random: Math.random,
    secrets: { 'ssm:collector-key': 'key-of-the-test' },
    log: (line) => void lines.push(line),
  });
});

after(async () => {
  await cloud?.stop();
  await healthy?.stop();
  await slow?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const pause = (milliseconds: number) => new Promise<void>((done) => setTimeout(done, milliseconds));

const post = (body: string) =>
  new Promise<number>((resolve, reject) => {
    const address = new URL('/v1/traces', String(cloud.outputs['TidemarkFunctions']?.['CollectSpansUrl']));
    const headers = { authorization: 'AWS4-HMAC-SHA256 Credential=x', 'content-type': 'application/json' };
    const call = request(address, { method: 'POST', headers }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0));
    });
    call.on('error', reject);
    call.end(body);
  });

let made = 0;
const some = (service: string, count: number) =>
  Array.from({ length: count }, () => {
    made += 1;
    const now = BigInt(Date.now()) * 1_000_000n;
    return aSpan({
      service,
      spanId: made.toString(16).padStart(16, '0'),
      startNanos: now,
      endNanos: now,
      attributes: { mail: 'jane@example.com' },
    });
  });

/** The embedded metrics of the function's log, summed by reason. */
const metric = (name: string, backEnd: string): Record<string, number> => {
  const out: Record<string, number> = {};
  for (const line of lines) {
    if (!line.includes('CloudWatchMetrics') || !line.includes(name)) continue;
    const fields = JSON.parse(line.slice(line.indexOf('{'))) as Record<string, unknown>;
    if (fields['back_end'] !== backEnd || typeof fields[name] !== 'number') continue;
    const key = String(fields['reason'] ?? 'all');
    out[key] = (out[key] ?? 0) + (fields[name] as number);
  }
  return out;
};

test('what is routed to a healthy back end arrives whole and at once, whatever becomes of a dead and a slow one', async () => {
  // The first request pays for the cold start.
  assert.equal(await post(encodeJson(some('other', 1))), 200);
  const sent: string[] = [];
  const counts = { auth: 0, pay: 0, debug: 0 };
  for (let round = 0; round < 8; round++) {
    const spans = [...some('auth', 10), ...some('pay-1', 10), ...some('other', 5), ...some('debug-7', 2)];
    counts.auth += 10;
    counts.pay += 10;
    counts.debug += 2;
    const wanted = spans.filter(({ resource }) => resource['service.name'] !== 'debug-7');
    sent.push(...wanted.map(({ spanId }) => spanId));
    assert.equal(await post(encodeJson(spans)), 200);
  }
  const arrived = new Set(healthy.spans.map(({ spanId }) => spanId));
  assert.deepEqual(
    sent.filter((spanId) => !arrived.has(spanId)),
    [],
    'lost',
  );
  assert.deepEqual(late, [], 'waited for the slow one');
  assert.equal(healthy.spans.length, arrived.size);
  assert.ok(healthy.spans.every(({ text }) => !text.includes('jane@') && text.includes('[email]')));
  assert.ok(healthy.headers.every((headers) => headers['api-key'] === 'key-of-the-test'));
  // The slow one has all of its own, as they are.
  assert.equal(new Set(slow.spans.map(({ spanId }) => spanId)).size, counts.pay);
  assert.ok(slow.spans.every(({ service, text }) => service === 'pay-1' && text.includes('jane@example.com')));

  // Metrics of a busy function are told every ten seconds.
  await pause(10_500);
  assert.equal(await post(encodeJson(some('other', 1))), 200);
  for (let times = 0; Object.keys(metric('SpansDropped', 'dead')).length < 2 && times < 300; times += 1)
    await pause(100);
  const dropped = metric('SpansDropped', 'dead');
  // Three requests fail, then the breaker lets what comes wait: as many as the queue holds.
  assert.deepEqual(dropped, { unreachable: 30, 'queue-full': counts.auth - 30 - 20 });
  assert.deepEqual(metric('SpansDropped', 'none'), { 'no-route': counts.debug });
  assert.deepEqual(metric('SpansDropped', 'healthy'), {});
  assert.equal(metric('SpansExported', 'healthy')['all'], healthy.spans.length);
  assert.ok(lines.some((line) => line.includes('back end is left alone for a while') && line.includes('dead')));
});
