import { credentialsOf, signedHeaders } from '#tidemark.signing';
import { absentCollector, type BackEnd, type ExportOutcome } from '../model/back-end.ts';
import { Failure } from '../model/failure.ts';
import type { Clock, Log, Random } from '../model/ports.ts';
import type { Span } from '../model/span.ts';
import { readPartialSuccess } from './otlp-answer.ts';
import type { NoAnswer, Pem, Post, PostAnswer } from './post.ts';
import { poster, sendable } from './posting.ts';

export interface OtlpOptions<Item = Span> {
  readonly name: string;
  /** The whole URL, such as `http://localhost:4318/v1/traces`. */
  readonly url: string;
  /** What is sent, as log lines name it. @default spans */
  readonly what?: string;
  readonly encode: (items: readonly Item[]) => Uint8Array;
  /** Of what `encode` makes. */
  readonly contentType: string;
  readonly compression: 'gzip' | 'zstd' | 'none';
  /** Asked for each request where they are secret; `fresh`: the last ones were refused. Whoever is asked keeps them. @default none */
  readonly headers?: Readonly<Record<string, string>> | ((fresh: boolean) => Promise<Readonly<Record<string, string>>>);
  /** Longest wait of one export with all its attempts, in milliseconds. */
  readonly timeoutMs: number;
  /** Signature Version 4 on each attempt, with the credentials of the environment at that time. @default none */
  readonly sign?: {
    readonly service: string;
    readonly region: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  };
  /** PEM files. @default the system's authorities, no client certificate */
  readonly tls?: Readonly<Partial<Record<'ca' | 'cert' | 'key', string | undefined>>>;
  /** Nobody asked for this endpoint: when nothing listens there, that is said once and tried again after a minute. @default false */
  readonly optional?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** How requests leave. @default as the URL asks for */
  readonly poster?: typeof poster;
  /** @default setTimeout */
  readonly sleep?: (ms: number) => Promise<void>;
  readonly log?: Log | undefined;
}

/** Attempts of one request at most; the deadline usually ends them earlier. */
const maxAttempts = 5;
/** The first wait; it doubles with each attempt, up to the longest. */
const firstWaitMs = 200;
const longestWaitMs = 5000;
/** After refused headers, until fresh ones are asked for again. */
const refreshMs = 60_000;
/** How long an endpoint that nobody asked for is left alone when nothing listens there. */
const restMs = 60_000;

/**
 * OTLP/HTTP as its specification has it: 429, 502, 503 and 504 and broken connections are tried again, after `Retry-After` or after waits
 * that double with jitter; anything else is final; a partial success is logged and counted. One connection is kept open. All of it within
 * the deadline: a wait that would reach beyond is not begun.
 */
export const otlpBackEnd = <Item = Span>(options: OtlpOptions<Item>): BackEnd<Item> => {
  const { name, what = 'spans', url, encode, compression, timeoutMs, clock, log } = options;
  const once = attempt(options);
  const warn = (message: string, fields: object): void => log?.('warn', message, { backEnd: name, ...fields });
  let restingUntil = 0;

  const send = async (spans: readonly Item[], until: number): Promise<ExportOutcome> => {
    const body = await compressed(encode(spans), compression);
    const answer = await attempts(() => once(body, until), until, options);
    if ('lost' in answer) {
      if (answer.lost === 'unreachable' && options.optional) return rest(spans);
      return lost(spans, answer.lost);
    }
    if (answer.status === 413 && spans.length > 1) return inHalves(spans, until);
    if (answer.status >= 200 && answer.status < 300) return partial(spans, answer);
    warn(`${what} were refused`, { status: answer.status, said: said(answer) });
    return lost(spans, reasons[answer.status] ?? 'refused');
  };
  const inHalves = async (spans: readonly Item[], until: number): Promise<ExportOutcome> => {
    const middle = spans.length >> 1;
    return sum(await send(spans.slice(0, middle), until), await send(spans.slice(middle), until));
  };
  const partial = (spans: readonly Item[], answer: PostAnswer): ExportOutcome => {
    const { rejected, message } = readPartialSuccess(answer.body, answer.headers['content-type'] ?? '');
    const dropped = Math.min(rejected, spans.length);
    if (dropped > 0 || message !== '') {
      const outcome = dropped > 0 ? `some ${what} were rejected` : `${what} were taken with a warning`;
      warn(outcome, { rejected: dropped, said: message.slice(0, 200) });
    }
    return { kept: spans.length - dropped, dropped: dropped === 0 ? {} : { rejected: dropped } };
  };
  const rest = (spans: readonly Item[]): ExportOutcome => {
    if (restingUntil === 0) {
      log?.(
        'info',
        `no collector listens here: ${what} are dropped. Set OTEL_EXPORTER_OTLP_ENDPOINT, or OTEL_TRACES_EXPORTER=none`,
        { url },
      );
    }
    restingUntil = clock() + restMs;
    return lost(spans, absentCollector);
  };

  return {
    name,
    export: async (spans, deadlineMs) => {
      if (spans.length === 0) return { kept: 0, dropped: {} };
      if (clock() < restingUntil) return lost(spans, absentCollector);
      try {
        return await send(spans, clock() + Math.min(deadlineMs, timeoutMs));
      } catch (thrown) {
        const { code, message } = Failure.from(thrown, 'internal');
        warn(`${what} could not be sent`, { reason: message });
        return lost(spans, code);
      }
    },
  };
};

/** Why there was no answer, or none that counts. */
interface Lost {
  readonly lost: NoAnswer['lost'] | 'throttled';
}

/** The beginning of a text; empty for anything else. */
const said = ({ headers, body }: PostAnswer): string =>
  /json|text/.test(headers['content-type'] ?? '') ? body.toString('utf8', 0, 200) : '';

const lost = (spans: readonly unknown[], reason: string): ExportOutcome => ({
  kept: 0,
  dropped: { [reason]: spans.length },
});

const sum = (one: ExportOutcome, other: ExportOutcome): ExportOutcome => {
  const dropped: Record<string, number> = { ...one.dropped };
  for (const reason in other.dropped) dropped[reason] = (dropped[reason] ?? 0) + (other.dropped[reason] as number);
  return { kept: one.kept + other.kept, dropped };
};

const reasons: Readonly<Record<number, string>> = { 401: 'unauthorised', 403: 'unauthorised', 413: 'too-large' };

const retryable: readonly number[] = [429, 502, 503, 504];

const attempts = async (
  once: () => Promise<PostAnswer | Lost>,
  until: number,
  { clock, random, sleep = pause, optional = false }: Waiting,
): Promise<PostAnswer | Lost> => {
  for (let attempt = 1; ; attempt++) {
    const answer = await once();
    const isAnswer = 'status' in answer;
    if (isAnswer ? !retryable.includes(answer.status) : !mayRecover(answer, optional)) return answer;
    const backOff = Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1)) * (0.5 + random() / 2);
    const wait = (isAnswer ? retryAfterMs(answer.headers['retry-after'], clock()) : undefined) ?? backOff;
    if (attempt === maxAttempts || clock() + wait >= until) {
      return isAnswer ? { lost: answer.status === 429 ? 'throttled' : 'unavailable' } : answer;
    }
    await sleep(wait);
  }
};

/** Those of the options that have nothing to do with what is sent. */
type Waiting = Pick<OtlpOptions, 'clock' | 'random' | 'sleep' | 'optional'>;
type Posting = Pick<
  OtlpOptions,
  'url' | 'poster' | 'compression' | 'contentType' | 'sign' | 'clock' | 'headers' | 'tls'
>;

/** A collector beside the function either listens from the start or is not there. */
const mayRecover = ({ lost: why }: Lost, optional: boolean): boolean =>
  why !== 'timeout' && !(why === 'unreachable' && optional);

const pause = (ms: number): Promise<void> => new Promise((done) => void setTimeout(done, ms));

/** Seconds, or a date (RFC 9110, section 10.2.3); undefined where it is neither. */
const retryAfterMs = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
};

/** One attempt; the connection is made with the first one. */
const attempt = (options: Posting): ((body: Uint8Array, until: number) => Promise<PostAnswer | Lost>) => {
  const { url, compression, contentType, sign, clock, headers = {} } = options;
  let posting: Promise<Post> | undefined;
  let refreshedAt = Number.NEGATIVE_INFINITY;
  const once = async (body: Uint8Array, until: number, fresh: boolean): Promise<PostAnswer | Lost> => {
    let sent = sendable(typeof headers === 'function' ? await headers(fresh) : headers, url);
    sent['content-type'] = contentType;
    if (compression !== 'none') sent['content-encoding'] = compression;
    if (sign !== undefined) {
      const credentials = credentialsOf(sign.env);
      if (credentials === undefined)
        throw new Failure('misconfigured', 'no AWS credentials to sign with', { where: url });
      sent = signedHeaders({ ...sign, credentials, method: 'POST', url, at: clock(), headers: sent, body });
    }
    // Files that cannot be read may be there the next time.
    posting ??= connection(options).catch((thrown) => {
      posting = undefined;
      throw thrown;
    });
    return (await posting)(sent, body, until - clock());
  };
  return async (body, until) => {
    const answer = await once(body, until, false);
    const isRefused = 'status' in answer && reasons[answer.status] === 'unauthorised';
    if (!isRefused || typeof headers !== 'function' || clock() - refreshedAt < refreshMs) return answer;
    // A secret that was rotated since it was read.
    refreshedAt = clock();
    return once(body, until, true);
  };
};

const connection = async ({ url, tls = {}, poster: by = poster }: Posting): Promise<Post> =>
  by(url, url.startsWith('https:') ? await pemFiles(tls) : {});

const pemFiles = async (tls: NonNullable<OtlpOptions['tls']>): Promise<Pem> => {
  const { readFile } = process.getBuiltinModule('node:fs/promises');
  const files: Record<string, Buffer> = {};
  for (const [name, path] of Object.entries(tls)) if (path) files[name] = await readFile(path);
  return files;
};

const compressed = async (body: Uint8Array, compression: OtlpOptions['compression']): Promise<Uint8Array> => {
  if (compression === 'none') return body;
  const { gzip, zstdCompress } = process.getBuiltinModule('node:zlib');
  // Level 1: a function pays for the time, and spans repeat themselves so much that higher levels win a few percent.
  return new Promise((settle, reject) => {
    const done = (error: Error | null, bytes: Buffer) => (error === null ? settle(bytes) : reject(error));
    if (compression === 'gzip') gzip(body, { level: 1 }, done);
    else zstdCompress(body, done);
  });
};
