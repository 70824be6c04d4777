/** Tracing alone: the provider with its sampler, recorder and exporter, ready for the first span. */
import { createTracing, systemNanos, systemRandom } from '../../lib/index.ts';

const { tracer } = createTracing({ env: process.env, nanos: systemNanos, random: systemRandom });
export const handler = async (): Promise<boolean> => {
  const span = tracer.startSpan('work');
  span.end();
  return span.isRecording();
};
