import {
  createTracing,
  encodeJson,
  jsonLog,
  spanQueue,
  systemClock,
  systemNanos,
  systemRandom,
} from '../../../lib/index.ts';

const queueUrl = process.env['TIDEMARK_OTLP_QUEUE'];

/** Tracing of one service, by the standard OTEL_* variables; spans go to tidemark's spans queue. */
export const tracing = createTracing({
  env: process.env,
  nanos: systemNanos,
  random: systemRandom,
  log: jsonLog({ clock: systemClock }),
  ...(queueUrl === undefined ? {} : { exportSpans: spanQueue({ queueUrl, encode: encodeJson }) }),
});
