/** One batch of each kind that a function gets, with what makes it walk its usual path. */
const queueEvent = (...bodies: readonly string[]) => ({
  Records: bodies.map((body, index) => ({
    messageId: `00000000-0000-4000-8000-00000000000${index}`,
    receiptHandle: 'warm-up',
    body,
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: '1767225600000',
      SenderId: 'warm-up',
      ApproximateFirstReceiveTimestamp: '1767225600001',
    },
    messageAttributes: {
      traceparent: {
        dataType: 'String',
        stringValue: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
    },
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:warm-up',
    awsRegion: 'us-east-1',
  })),
});

const span = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  name: 'warm-up',
  kind: 2,
  startTimeUnixNano: '1767225600000000000',
  endTimeUnixNano: '1767225600100000000',
  attributes: [{ key: 'messaging.system.name', value: { stringValue: 'aws.sqs' } }],
  status: {},
};
const otlp = JSON.stringify({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'warm-up' } }] },
      scopeSpans: [{ spans: [span] }],
    },
  ],
});

const alert = {
  status: 'firing',
  labels: { alertname: 'WarmUp', severity: 'info' },
  annotations: { summary: 'warm-up' },
  startsAt: '2026-01-01T00:00:00Z',
  fingerprint: '0000000000000000',
};

/** What each function handles before its code cache is taken. */
export const warmUpEvents: Readonly<Record<string, readonly unknown[]>> = {
  'evaluate-watermarks': [
    queueEvent('{"tick":"2026-01-01T00:00:00Z","offsetSeconds":0}'),
    queueEvent('{"gauge":"pushed","series":"warm-up","value":1,"capacity":10,"at":"2026-01-01T00:00:00Z"}'),
  ],
  'collect-spans': [
    queueEvent(otlp, otlp),
    {
      version: '2.0',
      rawPath: '/v1/traces',
      headers: { 'content-type': 'application/json' },
      requestContext: { http: { method: 'POST', path: '/v1/traces' } },
      body: otlp,
      isBase64Encoded: false,
    },
  ],
  'score-traces': [queueEvent('{"windowStart":"2026-01-01T00:00:00Z","partition":0}')],
  'deliver-alerts': [
    queueEvent(JSON.stringify({ version: '0', source: 'tidemark.warm-up', 'detail-type': 'Alert', detail: alert })),
  ],
};
