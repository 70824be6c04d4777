/** Bounds against bodies made to exhaust memory; the OTLP limits of CloudWatch are far below. */
export const maxAttributes = 1024;
/** Events, or links, of one span. */
export const maxListed = 1024;
/** Nesting of attribute values: a body made of nothing but nesting cannot exhaust the stack. */
export const maxDepth = 16;

/** Why a span is refused. Texts are told to senders and counted, so they are few and fixed. */
export const refusals = {
  traceId: 'trace id is not 32 hex digits',
  spanId: 'span id is not 16 hex digits',
  parentSpanId: 'parent span id is not 16 hex digits',
  startTime: 'start time is missing',
  order: 'ends before it starts',
  framing: 'is not a whole span message',
  shape: 'span is not an object',
} as const;

/** Why a span is kept without a part of it. */
export const cuts = {
  attributes: `more than ${maxAttributes} attributes`,
  events: `more than ${maxListed} events`,
  links: `more than ${maxListed} links`,
  depth: `attribute nested more than ${maxDepth} deep`,
} as const;
