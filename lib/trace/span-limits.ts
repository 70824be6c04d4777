/** Bounds against bodies made to exhaust memory; the OTLP limits of CloudWatch are far below. */
export const maxAttributes = 1024;
/** Events, or links, of one span. */
export const maxListed = 1024;
/** Nesting of attribute values: a body made of nothing but nesting cannot exhaust the stack. */
export const maxDepth = 16;

/** Why a span with these ids is refused; undefined when it is not. `parent` is empty for a root; only lower case is taken. */
export const idRefusalOf = (traceId: string, spanId: string, parent: string): string | undefined => {
  if (!isHex(traceId, 32) || traceId === zeros) return 'trace id is not 32 hex digits';
  if (!isHex(spanId, 16) || spanId === '0000000000000000') return 'span id is not 16 hex digits';
  if (parent !== '' && !isHex(parent, 16)) return 'parent span id is not 16 hex digits';
  return undefined;
};

/** The same for its times. */
export const timeRefusalOf = (startNanos: bigint, endNanos: bigint): string | undefined => {
  if (startNanos <= 0n) return 'start time is missing';
  if (endNanos < startNanos) return 'ends before it starts';
  return undefined;
};

const zeros = '0'.repeat(32);

const isHex = (text: string, length: number): boolean => {
  if (text.length !== length) return false;
  for (let at = 0; at < length; at += 1) {
    const code = text.charCodeAt(at);
    if (!((code >= 48 && code <= 57) || (code >= 97 && code <= 102))) return false;
  }
  return true;
};
