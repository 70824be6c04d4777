import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { Order } from './shop.ts';
import { signedHeaders } from './sign.ts';
import { tracing } from './tracing.ts';

/** Charges an order over HTTP, with the trace context in the headers; answers whether it was accepted. */
export const charge = async (order: Order): Promise<boolean> => {
  const url = new URL('/charges', process.env['SHOP_PAYMENTS_URL']);
  const span = tracing.tracer.startSpan('POST /charges', {
    kind: SpanKind.CLIENT,
    attributes: {
      'http.request.method': 'POST',
      'url.path': '/charges',
      'server.address': url.hostname,
      'peer.service': 'payments',
    },
  });
  const { traceId, spanId, traceFlags } = span.spanContext();
  try {
    const body = JSON.stringify(order);
    const status = await post(url, body, {
      'content-type': 'application/json',
      traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    });
    span.setAttribute('http.response.status_code', status);
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message: `payments answered ${status}` });
    return status < 300;
  } finally {
    span.end();
  }
};

const post = async (url: URL, body: string, headers: Record<string, string>): Promise<number> => {
  const signed = await signedHeaders(url, body, headers);
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'http:' ? httpRequest : httpsRequest)(
      url,
      { method: 'POST', headers: { ...signed, 'content-length': Buffer.byteLength(body) }, timeout: 5000 },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', reject);
      },
    );
    request.on('timeout', () => request.destroy(new Error('payments did not answer within 5 s')));
    request.on('error', reject);
    request.end(body);
  });
};
