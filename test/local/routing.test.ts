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
/** How long the slow one takes; what is meant for the healthy one must not be as late as that. */
const slowMs = 1500;
let cloud: Cloud;
let healthy: OtlpServer;
let slow: OtlpServer;

before(async () => {
  healthy = await startOtlpServer();
  slow = await startOtlpServer({ delayMs: slowMs });
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
  const sent: { readonly spanIds: readonly string[]; readonly at: number }[] = [];
  const counts = { auth: 0, pay: 0, debug: 0 };
  for (let round = 0; round < 8; round++) {
    const spans = [...some('auth', 10), ...some('pay-1', 10), ...some('other', 5), ...some('debug-7', 2)];
    counts.auth += 10;
    counts.pay += 10;
    counts.debug += 2;
    const wanted = spans.filter(({ resource }) => resource['service.name'] !== 'debug-7');
    sent.push({ spanIds: wanted.map(({ spanId }) => spanId), at: Date.now() });
    assert.equal(await post(encodeJson(spans)), 200);
  }
  const arrivals = new Map(healthy.spans.map(({ spanId, at }) => [spanId, at]));
  let latest = 0;
  for (const { spanIds, at } of sent) {
    for (const spanId of spanIds) {
      const arrived = arrivals.get(spanId);
      assert.ok(arrived !== undefined, `span ${spanId} is lost`);
      latest = Math.max(latest, arrived - at);
    }
  }
  assert.ok(latest < slowMs / 2, `the latest came after ${latest} ms`);
  assert.equal(healthy.spans.length, arrivals.size);
  assert.ok(healthy.spans.every(({ text }) => !text.includes('jane@') && text.includes('[email]')));
  assert.ok(healthy.headers.every((headers) => headers['api-key'] === 'key-of-the-test'));
  // The slow one has all of its own, as they are.
  assert.equal(new Set(slow.spans.map(({ spanId }) => spanId)).size, counts.pay);
  assert.ok(slow.spans.every(({ service, text }) => service === 'pay-1' && text.includes('jane@example.com')));

  // Metrics of a busy function are told every ten seconds.
  await new Promise((done) => setTimeout(done, 10_500));
  assert.equal(await post(encodeJson(some('other', 1))), 200);
  const until = Date.now() + 5000;
  while (Object.keys(metric('SpansDropped', 'dead')).length < 2 && Date.now() < until) {
    await new Promise((done) => setTimeout(done, 100));
  }
  const dropped = metric('SpansDropped', 'dead');
  // Three requests fail, then the breaker lets what comes wait: as many as the queue holds.
  assert.deepEqual(dropped, { unreachable: 30, 'queue-full': counts.auth - 30 - 20 });
  assert.deepEqual(metric('SpansDropped', 'none'), { 'no-route': counts.debug });
  assert.deepEqual(metric('SpansDropped', 'healthy'), {});
  assert.equal(metric('SpansExported', 'healthy')['all'], healthy.spans.length);
  assert.ok(lines.some((line) => line.includes('back end is left alone for a while') && line.includes('dead')));
});
