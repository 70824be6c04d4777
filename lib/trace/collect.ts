import { Failure } from '../model/failure.ts';
import type { Bucket, Clock, Log, Queue, Table } from '../model/ports.ts';
import type { Span } from '../model/span.ts';
import { type Decoded, decodeJson, decodeProto } from './decode.ts';
import { decodeLogRecords } from './decode-log-records.ts';
import { batchKey, prefixOf, type WindowClosed, windowParts } from './window.ts';

export interface CollectorOptions {
  readonly bucket: Bucket;
  readonly table: Table;
  /** Where WindowClosed messages go. */
  readonly windows: Queue;
  readonly windowSeconds: number;
  readonly slackSeconds: number;
  readonly partitions: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly encode: (spans: readonly Span[]) => string;
  readonly compress: (text: string) => Promise<Uint8Array>;
  readonly decompress: (bytes: Uint8Array, encoding: string | undefined) => Promise<Uint8Array>;
  readonly sniffEncoding: (bytes: Uint8Array) => string | undefined;
}

export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded?: boolean;
}

/** A window's marker outlives its closing by far, so that a batch redelivered a day later does not close it again. */
const markerSeconds = 2 * 86_400;

/** Turns OTLP bodies into span windows. */
export const collector = (options: CollectorOptions) => {
  const {
    bucket,
    table,
    windows,
    windowSeconds,
    slackSeconds,
    partitions,
    clock,
    log,
    encode,
    compress,
    decompress,
    sniffEncoding,
  } = options;

  // SQS delays a message by 900 s at most; beyond, windows would close before their time.
  if (!(windowSeconds >= 1 && slackSeconds >= 0 && windowSeconds + slackSeconds <= 900)) {
    throw new Failure(
      'misconfigured',
      `window and slack together are ${windowSeconds + slackSeconds} s; 1 to 900 are allowed`,
    );
  }

  const closesAt = (windowStart: string): number => Date.parse(windowStart) + (windowSeconds + slackSeconds) * 1000;

  const store = async (spans: readonly Span[]): Promise<void> => {
    for (const { windowStart, partition, spans: part } of windowParts(spans, windowSeconds, partitions)) {
      const text = encode(part);
      const window = { windowStart, partition };
      // Kept, so that scoring the window again includes them, but its closing has passed.
      if (clock() > closesAt(windowStart)) log('warn', 'spans came late', { window: windowStart, late: part.length });
      await bucket.put(`${prefixOf(window)}${batchKey(text)}.json.gz`, await compress(text), 'application/json');
      await closeLater(window);
    }
  };

  /** The first batch of a window schedules its closing. The marker is written after the message: twice is harmless, never is not. */
  const closeLater = async (window: WindowClosed): Promise<void> => {
    const pk = `window#${window.windowStart}#${window.partition}`;
    if ((await table.get(pk, 'closing')) !== undefined) return;
    const delaySeconds = Math.min(900, Math.max(0, Math.ceil((closesAt(window.windowStart) - clock()) / 1000)));
    await windows.send([{ body: JSON.stringify(window), delaySeconds }]);
    await table.put({ pk, sk: 'closing', ttl: Math.floor(clock() / 1000) + markerSeconds }, { absent: true });
  };

  const read = async (bytes: Uint8Array, encoding: string | undefined, isProto: boolean): Promise<Decoded> => {
    const plain = await decompress(bytes, encoding);
    return isProto ? decodeProto(plain) : decodeJson(Buffer.from(plain).toString('utf8'));
  };

  const note = (decoded: Decoded, where: string): void => {
    const refused = Object.entries(decoded.refused);
    if (refused.length > 0)
      log('warn', 'spans were refused', { where, refused: decoded.refused, kept: decoded.spans.length });
  };

  return {
    /** One OTLP/HTTP request in the Function URL's form. A body that cannot be read is answered 400, never thrown. */
    http: async (event: unknown): Promise<HttpAnswer> => {
      const {
        headers = {},
        body = '',
        isBase64Encoded,
      } = event as { headers?: Record<string, string>; body?: string; isBase64Encoded?: boolean };
      const type = headers['content-type'] ?? '';
      const isProto = type.startsWith('application/x-protobuf');
      if (!isProto && !type.startsWith('application/json')) {
        return answer(
          415,
          false,
          `content type ${type || '(none)'} is not known; application/json and application/x-protobuf are`,
        );
      }
      try {
        const decoded = await read(
          Buffer.from(body, isBase64Encoded === true ? 'base64' : 'utf8'),
          headers['content-encoding'],
          isProto,
        );
        if (decoded.error !== undefined) throw new Failure('bad-input', decoded.error, { where: 'body' });
        note(decoded, 'body');
        await store(decoded.spans);
        return answer(200, isProto, undefined, decoded);
      } catch (thrown) {
        const failure = Failure.from(thrown);
        const isTheirs = failure.code === 'bad-input' || failure.code === 'too-large';
        log(isTheirs ? 'warn' : 'error', 'request was refused', {
          code: failure.code,
          reason: failure.message,
          bytes: body.length,
        });
        // 503 is what the OTLP specification lets clients try again.
        return answer(failure.code === 'too-large' ? 413 : isTheirs ? 400 : 503, isProto, failure.message);
      }
    },

    /** OTLP bodies of queue records: JSON text, or base64 of JSON or protobuf, compressed or not. Answers which failed. */
    records: async (
      records: readonly { readonly body: string | Uint8Array | undefined; readonly id: string | undefined }[],
    ) => {
      const batchItemFailures: { itemIdentifier: string }[] = [];
      const kept: Span[] = [];
      const keptIds: string[] = [];
      for (const [index, { body, id = '' }] of records.entries()) {
        try {
          const decoded = await readRecord(body);
          if (decoded.error !== undefined)
            throw new Failure('bad-input', decoded.error, { where: `Records[${index}].body` });
          note(decoded, `Records[${index}].body`);
          for (const span of decoded.spans) kept.push(span);
          keptIds.push(id);
        } catch (thrown) {
          const failure = Failure.from(thrown);
          log('warn', 'record failed', { messageId: id, code: failure.code, reason: failure.message });
          batchItemFailures.push({ itemIdentifier: id });
        }
      }
      try {
        await store(kept);
      } catch (thrown) {
        log('error', 'spans were not stored', { reason: Failure.from(thrown).message, spans: kept.length });
        batchItemFailures.push(...keptIds.map((itemIdentifier) => ({ itemIdentifier })));
      }
      return { batchItemFailures };
    },

    /**
     * A CloudWatch Logs subscription delivery: `aws/spans` records, OTLP/JSON lines and stdout envelopes. What cannot be read is told and
     * left: sending it again would not mend it. Rejects when spans could not be stored, so that the delivery is made again.
     */
    logs: async (event: unknown): Promise<void> => {
      const data = (event as { awslogs?: { data?: unknown } }).awslogs?.data;
      const kept: Span[] = [];
      try {
        const bytes = Buffer.from(typeof data === 'string' ? data : '', 'base64');
        const decoded = decodeLogRecords(Buffer.from(await decompress(bytes, 'gzip')).toString('utf8'));
        if (decoded.error !== undefined) throw new Failure('bad-input', decoded.error, { where: 'awslogs.data' });
        note(decoded, 'awslogs.data');
        for (const span of decoded.spans) kept.push(span);
        for (const { payload, base64, encoding, isProto } of decoded.packed) {
          const body = await read(Buffer.from(payload, base64 ? 'base64' : 'utf8'), encoding, isProto);
          if (body.error !== undefined) log('warn', 'stdout envelope was refused', { reason: body.error });
          note(body, 'stdout envelope');
          for (const span of body.spans) kept.push(span);
        }
      } catch (thrown) {
        const failure = Failure.from(thrown);
        log('warn', 'log delivery was refused', { code: failure.code, reason: failure.message, kept: kept.length });
      }
      await store(kept);
    },
  };

  async function readRecord(body: string | Uint8Array | undefined): Promise<Decoded> {
    if (body === undefined || body.length === 0) return { spans: [], refused: {}, error: 'is empty' };
    if (typeof body === 'string' && body.trimStart().startsWith('{')) return decodeJson(body);
    if (typeof body === 'string' && !/^[A-Za-z0-9+/=\s]+$/.test(body))
      return { spans: [], refused: {}, error: 'is neither JSON nor base64' };
    const bytes = typeof body === 'string' ? Buffer.from(body, 'base64') : body;
    const plain = await decompress(bytes, sniffEncoding(bytes));
    return plain[0] === 0x7b ? decodeJson(Buffer.from(plain).toString('utf8')) : decodeProto(plain);
  }
};

/** ExportTraceServiceResponse, or google.rpc.Status for an error, in the request's own type. */
const answer = (statusCode: number, isProto: boolean, error?: string, decoded?: Decoded): HttpAnswer => {
  const rejected = Object.values(decoded?.refused ?? {}).reduce((sum, count) => sum + count, 0);
  const message = error ?? (rejected === 0 ? undefined : Object.keys(decoded?.refused ?? {}).join('; '));
  if (isProto) {
    const text = Buffer.from(message ?? '').subarray(0, 1000);
    const bytes =
      error !== undefined
        ? Buffer.concat([Buffer.from([0x12, ...varint(text.length)]), text])
        : rejected === 0
          ? Buffer.alloc(0)
          : partialSuccess(rejected, text);
    return {
      statusCode,
      headers: { 'content-type': 'application/x-protobuf' },
      body: bytes.toString('base64'),
      isBase64Encoded: true,
    };
  }
  const body =
    error !== undefined
      ? { message: error }
      : rejected === 0
        ? {}
        : { partialSuccess: { rejectedSpans: String(rejected), errorMessage: message } };
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
};

const partialSuccess = (rejected: number, text: Buffer): Buffer => {
  const inner = Buffer.concat([Buffer.from([0x08, ...varint(rejected), 0x12, ...varint(text.length)]), text]);
  return Buffer.concat([Buffer.from([0x0a, ...varint(inner.length)]), inner]);
};

const varint = (value: number): number[] => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]);
