import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nodeCrypto } from '../../../lib/adapters/crypto.ts';
import type { Channel, Notification, Style, Target } from '../../../lib/alert/channel.ts';
import type { Verdict } from '../../../lib/alert/verdict.ts';
import { type Alert, alert } from '../../../lib/model/alert.ts';
import type { HttpResponse } from '../../../lib/model/ports.ts';

export const now = Date.parse('2026-01-01T00:10:00Z');
export const sending = { deliveryId: '0123456789abcdef', now, crypto: nodeCrypto };

export const anAlert = (fields: Partial<Omit<Alert, 'fingerprint'>> = {}): Alert =>
  alert({
    status: 'firing',
    labels: { alertname: 'High', severity: 'critical', pod: 'pod-1' },
    annotations: { summary: 'memory is at 93 %' },
    startsAt: '2026-01-01T00:00:00.000Z',
    ...fields,
  });

export const notificationOf = (alerts: readonly Alert[], fields: Partial<Notification> = {}): Notification => ({
  receiver: 'r',
  groupKey: '{}:{alertname="High"}',
  groupLabels: { alertname: 'High' },
  alerts,
  ...fields,
});

/** The requests for some alerts, as they would leave. */
export const requestsOf = (
  channel: Channel,
  alerts: readonly Alert[],
  target: Partial<Target> & Style = {},
  fields: Partial<Notification> & { readonly saying?: object } = {},
) => {
  const whole: Target = { name: 'r', url: channel.url ?? 'https://robot.example/send?key=k', ...target };
  const { saying = {}, ...rest } = fields;
  return channel
    .plan(notificationOf(alerts, rest), whole, saying)
    .map((chunk) => ({ chunk, request: channel.request(chunk, whole, { ...saying, ...sending }) }));
};

export const bodyOf = (
  channel: Channel,
  ...given: Parameters<typeof requestsOf> extends [Channel, ...infer Rest] ? Rest : never
) => JSON.parse(String(requestsOf(channel, ...given)[0]?.request.body));

export const reply = (status: number, body: unknown = '', headers: Record<string, string> = {}): HttpResponse => ({
  status,
  headers,
  body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
});

/** `[status, body, verdict, headers?]`; the verdict is compared without its reason. */
export type Case = readonly [number, unknown, Unreasoned<Verdict>, Record<string, string>?];
type Unreasoned<Each> = Each extends unknown ? Omit<Each, 'reason'> : never;

/** One test for a table of answers. */
export const testVerdicts = (channel: Channel, cases: readonly Case[]): void => {
  test(`${channel.name}: every answer has its verdict`, () => {
    for (const [status, body, expected, headers] of cases) {
      const verdict = channel.verdict(reply(status, body, headers), now);
      const { reason = '', ...rest } = { reason: undefined, ...verdict };
      assert.deepEqual(rest, expected, `${status} ${JSON.stringify(body)} ${JSON.stringify(headers ?? {})}`);
      if (verdict.kind !== 'ok') assert.ok(reason.length > 0 && reason.length < 400, 'a reason that can be read');
    }
  });

  test(`${channel.name}: whatever a destination answers has a verdict, and a retry has a finite delay`, () => {
    const body = fc.oneof(
      fc.json(),
      fc.string(),
      fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    const retryAfter = fc.option(fc.oneof(fc.string(), fc.nat().map(String), fc.constant('9'.repeat(400))));
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), body, retryAfter, (status, text, after) => {
        const verdict = channel.verdict(reply(status, text, after === null ? {} : { 'retry-after': after }), now);
        const delay = 'minDelaySeconds' in verdict ? (verdict.minDelaySeconds ?? 0) : 0;
        assert.ok(Number.isFinite(delay) && delay >= 0);
        if (status < 200 || status >= 300) assert.notEqual(verdict.kind, 'ok');
      }),
      { numRuns: 500 },
    );
  });
};

/**
 * At the limit everything is in one message; one byte more, and it takes two. Summaries grow in characters
 * of several bytes, and the last bytes in single ones.
 */
export const testLimit = (channel: Channel, fill = '界'): void => {
  test(`${channel.name}: a message holds exactly ${channel.maxBytes} bytes of text like ${fill}, and not one more`, () => {
    const size = Buffer.byteLength(fill);
    const summary = (bytes: number) => fill + fill.repeat(Math.floor(bytes / size)) + 'x'.repeat(bytes % size);
    const most = 150 - size;
    /** The last two have short summaries, which grow by so many bytes. */
    const grown = (count: number, extra = 0) =>
      Array.from({ length: count }, (_, index) =>
        anAlert({
          labels: { alertname: '内存', severity: 'warning', index: `${1000 + index}${'p'.repeat(40)}` },
          annotations: {
            summary: summary(
              index === count - 2 ? Math.min(extra, most) : index === count - 1 ? Math.max(0, extra - most) : 120,
            ),
          },
        }),
      );
    const messages = (alerts: readonly Alert[]) =>
      requestsOf(channel, alerts).filter(({ chunk }) => chunk.kind === 'message');
    const bytes = (alerts: readonly Alert[]): number => {
      const [only, second] = messages(alerts);
      assert.ok(only !== undefined && second === undefined, 'one message');
      return channel.measure(only.request);
    };
    let count = 2;
    while (messages(grown(count + 1)).length === 1) count += 1;
    const room = channel.maxBytes - bytes(grown(count));
    assert.ok(room >= 0 && room < 2 * most, `there is room for ${room} bytes`);
    assert.equal(bytes(grown(count, room)), channel.maxBytes);
    const two = messages(grown(count, room + 1));
    assert.equal(two.length, 2);
    for (const { request } of two) assert.ok(channel.measure(request) <= channel.maxBytes);
  });
};
