/** What a back end says about a request that it has taken: `ExportTraceServiceResponse.partial_success`. */
export interface PartialSuccess {
  /** Spans or data points that were not taken. */
  readonly rejected: number;
  readonly message: string;
}

/** Reads it from protobuf or JSON. Anything that is neither says nothing: the status has already said that all is well. */
export const readPartialSuccess = (body: Uint8Array, contentType: string): PartialSuccess => {
  if (body.length === 0) return nothing;
  return contentType.includes('json') ? fromJson(body) : fromProtobuf(body);
};

const nothing: PartialSuccess = { rejected: 0, message: '' };

const fromJson = (body: Uint8Array): PartialSuccess => {
  try {
    const { partialSuccess } = Object(JSON.parse(String(Buffer.from(body))));
    const { rejectedSpans, rejectedDataPoints, errorMessage } = Object(partialSuccess) as Record<string, unknown>;
    return {
      rejected: count(Number(rejectedSpans ?? rejectedDataPoints)),
      message: typeof errorMessage === 'string' ? errorMessage : '',
    };
  } catch {
    return nothing;
  }
};

const count = (value: number): number => (value > 0 ? value : 0);

/** Field 1 of the answer is the message; in it, field 1 counts and field 2 explains. */
const fromProtobuf = (body: Uint8Array): PartialSuccess => {
  const inner = fields(fields(body)[1]);
  const { 1: rejected, 2: message } = inner;
  return {
    rejected: typeof rejected === 'number' ? count(rejected) : 0,
    message: message instanceof Uint8Array ? Buffer.from(message).toString() : '',
  };
};

/** Varints and bytes by field number, the last of each; what follows something that is no field is left out. */
const fields = (bytes: unknown): Record<number, number | Uint8Array> => {
  const found: Record<number, number | Uint8Array> = {};
  if (!(bytes instanceof Uint8Array)) return found;
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < bytes.length; factor *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    return Number.NaN;
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag % 8;
    const value = varint();
    if (wire === 0) found[tag >> 3] = value;
    else if (wire === 2 && at + value <= bytes.length) found[tag >> 3] = bytes.subarray(at, (at += value));
    else break;
  }
  return found;
};
