/** The payment provider: an HTTP service of its own, with its own place in the trace. */
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { jsonLog, systemClock, systemRandom } from '../../../lib/index.ts';
import { readFaults } from './shop.ts';
import { tracing } from './tracing.ts';

interface HttpEvent {
  readonly headers?: Readonly<Record<string, string>>;
}

const log = jsonLog({ clock: systemClock, context: () => ({ service: 'payments' }) });

/** Traced by hand, as a service in any framework would be: the context of its caller, one SERVER span. */
export const handler = async (event: HttpEvent) => {
  const found = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(event.headers?.['traceparent'] ?? '');
  const parent =
    found === null
      ? ROOT_CONTEXT
      : trace.setSpanContext(ROOT_CONTEXT, {
          traceId: found[1] ?? '',
          spanId: found[2] ?? '',
          traceFlags: Number.parseInt(found[3] ?? '0', 16),
          isRemote: true,
        });
  const span = tracing.tracer.startSpan(
    'POST /charges',
    { kind: SpanKind.SERVER, attributes: { 'http.route': '/charges' } },
    parent,
  );
  try {
    return await context.with(trace.setSpan(parent, span), async () => {
      const { paymentErrors } = await readFaults();
      if (systemRandom() >= paymentErrors) {
        span.setAttribute('http.response.status_code', 200);
        return { statusCode: 200, body: '{"charged":true}' };
      }
      span.setAttributes({ 'http.response.status_code': 500, 'error.type': 'ledger_unavailable' });
      span.setStatus({ code: SpanStatusCode.ERROR, message: 'the ledger is not available' });
      log('error', 'charge failed', { reason: 'the ledger is not available', traceId: span.spanContext().traceId });
      return { statusCode: 500, body: '{"error":"the ledger is not available"}' };
    });
  } finally {
    span.end();
    await tracing.flush(2000);
  }
};
