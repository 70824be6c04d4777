import assert from 'node:assert/strict';
import { test } from 'node:test';
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { systemNanos, systemRandom } from '../../lib/adapters/clock.ts';
import { jsonLog } from '../../lib/adapters/log.ts';
import { createTracing } from '../../lib/provider/tracing.ts';

test('a line is one JSON object with time, level, message, context and fields', () => {
  const lines: string[] = [];
  const log = jsonLog({ clock: () => 0, context: () => ({ function: 'f' }), write: (line) => void lines.push(line) });
  log('debug', 'unseen');
  log('warn', 'seen\nonce', { reason: new Error('why'), big: 2n ** 60n });
  assert.equal(lines.length, 1);
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    timestamp: '1970-01-01T00:00:00.000Z',
    level: 'warn',
    message: 'seen\nonce',
    function: 'f',
    reason: 'Error: why',
    big: '1152921504606846976',
  });
});

test('a value that cannot be serialised never fails the work that it describes', () => {
  const lines: string[] = [];
  const log = jsonLog({ clock: () => 0, write: (line) => void lines.push(line) });
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  log('error', 'odd', { circle });
  assert.match(lines[0] ?? '', /"message":"odd","unserialisable":"TypeError/);
});

test('a line names the span that is active where it is written', async () => {
  createTracing({ env: {}, nanos: systemNanos, random: systemRandom });
  const lines: string[] = [];
  const log = jsonLog({ clock: () => 0, write: (line) => void lines.push(line) });
  const ids = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
  await context.with(trace.setSpanContext(ROOT_CONTEXT, { ...ids, traceFlags: 1 }), async () => {
    await undefined;
    log('info', 'inside');
  });
  log('info', 'outside');
  context.with(trace.setSpanContext(ROOT_CONTEXT, { ...ids, traceId: '0'.repeat(32), traceFlags: 0 }), () =>
    log('info', 'invalid'),
  );
  const [inside, outside, invalid] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual([inside?.['trace_id'], inside?.['span_id']], [ids.traceId, ids.spanId]);
  assert.ok(!('trace_id' in (outside ?? {})) && !('trace_id' in (invalid ?? {})));
});
