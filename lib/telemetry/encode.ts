import type { Attributes, AttributeValue, Span } from '../model/span.ts';

/** Spans as an OTLP/JSON `ExportTraceServiceRequest`: ids in hex, 64-bit integers as decimal strings, grouped by resource. */
export const encodeJson = (spans: readonly Span[]): string => {
  const groups = new Map<string, { resource: Attributes; spans: Span[] }>();
  const keys = new Map<Attributes, string>();
  for (const span of spans) {
    // Spans of one batch share one resource object: its text is made once.
    let key = keys.get(span.resource);
    if (key === undefined) {
      key = JSON.stringify(span.resource);
      keys.set(span.resource, key);
    }
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { resource: span.resource, spans: [span] });
    else group.spans.push(span);
  }
  return JSON.stringify({
    resourceSpans: [...groups.values()].map((group) => ({
      resource: { attributes: keyValues(group.resource) },
      scopeSpans: [{ scope: { name: 'tidemark' }, spans: group.spans.map(spanJson) }],
    })),
  });
};

const spanJson = (span: Span) => ({
  traceId: span.traceId,
  spanId: span.spanId,
  parentSpanId: span.parentSpanId,
  traceState: span.traceState,
  name: span.name,
  kind: span.kind,
  startTimeUnixNano: span.startNanos.toString(),
  endTimeUnixNano: span.endNanos.toString(),
  attributes: keyValues(span.attributes),
  status: span.status === 0 ? {} : { code: span.status, message: span.statusMessage },
  links: span.links.map(({ traceId, spanId, attributes }) => ({
    traceId,
    spanId,
    attributes: keyValues(attributes ?? {}),
  })),
  events: span.events.map(({ timeNanos, name, attributes }) => ({
    timeUnixNano: timeNanos.toString(),
    name,
    attributes: keyValues(attributes),
  })),
});

const keyValues = (attributes: Attributes) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

const anyValue = (value: AttributeValue): unknown => {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { arrayValue: { values: value.map(anyValue) } };
};
