import { Failure } from '../model/failure.ts';
import type { Bucket, Clock, Log, Objects, Queue, Table } from '../model/ports.ts';
import type { Span } from '../model/span.ts';
import { type Decoded, decodeJson, decodeProto } from './decode.ts';
import { freeBytes } from './free-bytes.ts';
import { inTurns } from './in-turns.ts';
import { accepted, type HttpAnswer, otlpRequest, refused } from './otlp-http.ts';
import { type PackedSpans, packSpans } from './pack-spans.ts';
import { isPlaced } from './placed-span.ts';
import { unpacker } from './unpack.ts';
import { objectKeyOf, type WindowClosed, windowParts } from './window.ts';

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
  /** Writes spans that came as no OTLP, or have more than is kept. */
  readonly encode: (spans: readonly Span[]) => PackedSpans;
  readonly compress: (bytes: Uint8Array) => Promise<Uint8Array>;
  /** Names bytes by what they are. */
  readonly contentName: (bytes: Uint8Array) => string;
  /** Objects that notifications of other buckets name. */
  readonly objects: Objects;
  readonly decompress: (bytes: Uint8Array, encoding: string | undefined) => Promise<Uint8Array>;
  readonly sniffEncoding: (bytes: Uint8Array) => string | undefined;
  /** @default heldLimits */
  readonly mostHeld?: { readonly spans: number; readonly bytes: number };
  /** Given the spans that were stored, to be passed on elsewhere. Never rejects: they are safe by then. @default nobody */
  readonly onStored?: ((spans: readonly Span[]) => Promise<void>) | undefined;
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
    contentName,
    objects,
    decompress,
    sniffEncoding,
    mostHeld = heldLimits,
    onStored,
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
    const parts = windowParts(spans, windowSeconds, partitions);
    await inTurns(parts, async ({ windowStart, partition, spans: part }) => {
      const window = { windowStart, partition };
      for (const body of packSpans(part, encode)) {
        // The same bytes compress to the same, and a tenth of them is named in a tenth of the time.
        const bytes = await compress(body.bytes);
        if (body.isOwn === true && bytes.buffer !== body.bytes.buffer) freeBytes(body.bytes);
        await bucket.put(objectKeyOf(window, body, contentName(bytes)), bytes, contentTypes[body.format]);
      }
      const isLate = await closeLater(window);
      // Kept, so that scoring the window again includes them, but its closing has passed.
      if (isLate) log('warn', 'spans came late', { window: windowStart, late: part.length });
    });
    await onStored?.(spans);
  };

  /**
   * The first batch of a window schedules its closing; answers whether that has passed. A window that is over when its first batch
   * comes, as those of S3 objects are, stays open for the slack from then on: its batches come one after the other. The marker is
   * written after the message: twice is harmless, never is not.
   */
  const closeLater = async (window: WindowClosed): Promise<boolean> => {
    const pk = `window#${window.windowStart}#${window.partition}`;
    const now = clock();
    const marker = await table.get(pk, 'closing');
    if (marker !== undefined) return now > Number(marker['closesAt'] ?? closesAt(window.windowStart));
    const due = Math.max(closesAt(window.windowStart), now + slackSeconds * 1000);
    const delaySeconds = Math.min(900, Math.ceil((due - now) / 1000));
    await windows.send([{ body: JSON.stringify(window), delaySeconds }]);
    await table.put(
      { pk, sk: 'closing', ttl: Math.floor(now / 1000) + markerSeconds, closesAt: now + delaySeconds * 1000 },
      { absent: true },
    );
    return false;
  };

  const unpack = unpacker({ objects, decompress, sniffEncoding });

  const note = ({ refused, cut = {}, error, spans }: Decoded, where: string): void => {
    if (Object.keys(refused).length > 0 || Object.keys(cut).length > 0 || error !== undefined) {
      log('warn', 'spans were refused', {
        where,
        refused,
        cut,
        ...(error === undefined ? {} : { error }),
        kept: spans.length,
      });
    }
  };

  return {
    /** One OTLP/HTTP request, as a Function URL, an API gateway or a load balancer hands it over. Never rejects. */
    http: async (event: unknown): Promise<HttpAnswer> => {
      const request = otlpRequest(event);
      if ('refusal' in request) return request.refusal;
      const { bytes, encoding, isProto } = request;
      try {
        const plain = await decompress(bytes, encoding);
        const decoded = isProto ? decodeProto(plain) : decodeJson(plain);
        if (decoded.error !== undefined && decoded.spans.length === 0) {
          throw new Failure('bad-input', decoded.error, { where: 'body' });
        }
        note(decoded, 'body');
        await store(decoded.spans);
        const answer = accepted(isProto, decoded);
        // Whoever passes spans on may still read them.
        if (onStored === undefined) freeBytes(plain);
        return answer;
      } catch (thrown) {
        const failure = Failure.from(thrown);
        const isTheirs = failure.code === 'bad-input' || failure.code === 'too-large';
        log(isTheirs ? 'warn' : 'error', 'request was refused', {
          code: failure.code,
          reason: failure.message,
          bytes: bytes.length,
        });
        // 503 is what the OTLP specification lets clients try again.
        return refused(failure.code === 'too-large' ? 413 : isTheirs ? 400 : 503, isProto, failure.message);
      }
    },

    /**
     * Contents of queue, stream, topic and bus records, in whatever wrapping `unpacker` knows. Answers the indexes of those that
     * failed: unreadable ones, and those whose spans could not be stored.
     */
    records: async (bodies: readonly (string | Uint8Array | undefined)[]): Promise<ReadonlySet<number>> => {
      const failed = new Set<number>();
      let held = nothingHeld();
      const putAway = async (): Promise<void> => {
        const { spans, from } = held;
        held = nothingHeld();
        try {
          await store(spans);
        } catch (thrown) {
          log('error', 'spans were not stored', { reason: Failure.from(thrown).message, spans: spans.length });
          for (const index of from) failed.add(index);
        }
      };
      for (const [index, body] of bodies.entries()) {
        try {
          await unpack.body(body ?? '', `Records[${index}].body`, async (decoded, where) => {
            note(decoded, where);
            held.from.add(index);
            for (const span of decoded.spans) held.spans.push(span);
            held.bytes += bytesOf(decoded);
            if (held.spans.length >= mostHeld.spans || held.bytes >= mostHeld.bytes) await putAway();
          });
        } catch (thrown) {
          const failure = Failure.from(thrown);
          log('warn', 'record failed', { index, code: failure.code, reason: failure.message });
          failed.add(index);
        }
      }
      await putAway();
      return failed;
    },

    /**
     * A CloudWatch Logs subscription delivery: `aws/spans` records, OTLP/JSON lines and stdout envelopes. What cannot be read is told and
     * left: sending it again would not mend it. Rejects when spans could not be stored, so that the delivery is made again.
     */
    logs: async (event: unknown): Promise<void> => {
      const kept: Span[] = [];
      try {
        await unpack.logs(
          (event as { awslogs?: { data?: unknown } }).awslogs?.data,
          'event',
          async (decoded, where) => {
            note(decoded, where);
            for (const span of decoded.spans) kept.push(span);
          },
        );
      } catch (thrown) {
        const failure = Failure.from(thrown);
        log('warn', 'log delivery was refused', { code: failure.code, reason: failure.message, kept: kept.length });
      }
      await store(kept);
    },
  };
};

const contentTypes = { protobuf: 'application/x-protobuf', json: 'application/json' } as const;

/** Spans of several records are stored together, up to this many, and to so many bytes of the bodies that they keep in memory. */
export const heldLimits = { spans: 50_000, bytes: 64 * 2 ** 20 } as const;

const nothingHeld = () => ({ spans: [] as Span[], bytes: 0, from: new Set<number>() });

const bytesOf = ({ spans: [first] }: Decoded): number =>
  first !== undefined && isPlaced(first) ? first.origin.buffer.length : 0;
