import type { Span } from '@opentelemetry/api';
import config from '#tidemark.config';
import { systemClock } from '../lib/adapters/clock.ts';
import { eventBridgeBus } from '../lib/adapters/eventbridge.ts';
import { watermarkSources } from '../lib/adapters/watermark-sources.ts';
import { recordsOf } from '../lib/message/records.ts';
import { eachRecord } from '../lib/middleware/each-record.ts';
import { traceEventBridge } from '../lib/middleware/inject-clients.ts';
import { traced } from '../lib/middleware/traced.ts';
import { environmentKeys, required } from '../lib/model/environment.ts';
import { Failure } from '../lib/model/failure.ts';
import { readReading } from '../lib/model/reading.ts';
import { extract } from '../lib/propagation/extract.ts';
import { functionBase } from '../lib/provider/function-base.ts';
import { readTick } from '../lib/watermark/read-tick.ts';
import { recall } from '../lib/watermark/recall.ts';
import { runReading, runTick } from '../lib/watermark/tick.ts';

const { env } = process;
const { log, table, secrets, tracing } = functionBase('evaluate-watermarks', config, env);
const watermarks = config.watermarks ?? {};
const evaluating = {
  config: watermarks,
  sources: watermarkSources({
    config: watermarks,
    clock: systemClock,
    env,
    secrets,
    traceOf: (answer) => recordsOf(answer).map((message) => extract(message).context)[0],
  }),
  table,
  bus: eventBridgeBus({
    busName: required(env, environmentKeys.bus),
    plugIn: (client) => traceEventBridge(client, tracing),
  }),
  clock: systemClock,
  log,
  recall: recall(),
};

/** Evaluates the rules at a tick, and a pushed reading as it comes. */
export const handler = traced(
  (event: unknown) => eachRecord(event, ({ body }, span) => handleBody(String(body), span), { ...tracing, log }),
  { ...tracing, trigger: 'pubsub' },
);

const handleBody = async (body: string, span: Span) => {
  const { traceId, spanId } = span.spanContext();
  const given = { ...evaluating, trace: { traceId, spanId } };
  const tick = readTick(body);
  if (tick !== undefined) {
    if ('refused' in tick) throw new Failure('bad-input', tick.refused, { where: 'body' });
    const result = await runTick(tick, given);
    log('info', 'tick evaluated', { ...tick, ...result });
    return;
  }
  const read = readReading(body);
  if ('refused' in read) throw new Failure('bad-input', read.refused, { where: 'body' });
  await runReading(read.reading, given);
};
