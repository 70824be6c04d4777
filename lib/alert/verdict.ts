import type { Failure } from '../model/failure.ts';
import { given } from '../model/given.ts';
import type { HttpResponse } from '../model/ports.ts';

/** What an attempt came to. A missing or unknown code inside a 200 is never `ok`. */
export type Verdict =
  | { readonly kind: 'ok' }
  | {
      readonly kind: 'retry';
      readonly reason: string;
      /** No attempt before so many seconds. */
      readonly minDelaySeconds?: number;
      /** The destination asks for less. */
      readonly throttled?: true;
      /** The fault lies on our side (a name that does not resolve, a secret that cannot be read): the destination is not to blame. */
      readonly ours?: true;
      /** The request may have been taken all the same: no answer came. */
      readonly unknown?: true;
    }
  | {
      readonly kind: 'permanent';
      readonly reason: string;
      /** The destination itself is gone: whatever goes there next will fail alike. */
      readonly disable?: true;
      /** It refuses the secret, which may have been rotated since it was read. */
      readonly credentials?: true;
    }
  | { readonly kind: 'split'; readonly reason: string };

/** What an HTTP status says where a destination's own rules say nothing (RFC 9110; 425 and 429 by RFC 8470 and 6585). */
export const httpVerdict = ({ status, headers }: HttpResponse, now: number): Verdict => {
  if (status >= 200 && status < 300) return { kind: 'ok' };
  const reason = `HTTP ${status}`;
  if (status === 410) return { kind: 'permanent', reason, disable: true };
  if (status === 413) return { kind: 'split', reason };
  if (status === 408 || status === 425 || status === 429 || status >= 500) {
    const minDelaySeconds = retryAfterSeconds(headers['retry-after'], now);
    return {
      kind: 'retry',
      reason,
      ...given({ minDelaySeconds }),
      ...(status === 429 || status === 502 || status === 504 ? { throttled: true as const } : {}),
    };
  }
  if (status === 401 || status === 403) return { kind: 'permanent', reason, credentials: true };
  // A redirect is never followed: it could lead anywhere, and the body would go with it.
  return {
    kind: 'permanent',
    reason: status >= 300 && status < 400 ? `${reason}: redirects are not followed` : reason,
  };
};

/** What it means that no answer came at all. */
export const failureVerdict = ({ code, message }: Failure): Verdict => {
  // What our own rules refuse stays refused; everything else on the way may pass.
  if (code === 'refused' || code === 'bad-input') return { kind: 'permanent', reason: message };
  // The name does not resolve: nothing has reached the destination.
  if (code === 'not-found') return { kind: 'retry', reason: message, ours: true };
  return { kind: 'retry', reason: message, unknown: true };
};

/** No destination means more than thirty years, and a finite number survives JSON. */
const longestSeconds = 1e9;

/** Retry-After as seconds from now: delta-seconds or an HTTP date (RFC 9110). A malformed or past value means no minimum. */
export const retryAfterSeconds = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  const value = text.trim();
  if (/^\d+$/.test(value)) return Math.min(Number(value), longestSeconds);
  const at = httpDate(value, now);
  return at === undefined || at <= now ? undefined : Math.min(Math.ceil((at - now) / 1000), longestSeconds);
};

/** The three forms of RFC 9110, section 5.6.7; all are in UTC. */
const httpDate = (text: string, now: number): number | undefined => {
  const isFixed = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text);
  const old = /^[A-Z][a-z]{5,8}, (\d\d)-([A-Z][a-z]{2})-(\d\d) (\d\d:\d\d:\d\d) GMT$/.exec(text);
  const isAsctime = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/.test(text);
  if (old !== null) {
    const [, day, month, year, time] = old;
    const inYear = (century: number) => Date.parse(`${day} ${month} ${century + Number(year)} ${time} GMT`);
    // A year that seems to be more than 50 years ahead is the last one in the past with these digits.
    const thisCentury = Math.floor(new Date(now).getUTCFullYear() / 100) * 100;
    const at = inYear(thisCentury);
    return valid(at - now > 50 * 365.25 * 86_400_000 ? inYear(thisCentury - 100) : at);
  }
  return isFixed ? valid(Date.parse(text)) : isAsctime ? valid(Date.parse(`${text} GMT`)) : undefined;
};

const valid = (at: number): number | undefined => (Number.isNaN(at) ? undefined : at);

/** What a code inside a body means; `reason` is filled in. */
export type CodeVerdict =
  | { readonly kind: 'retry'; readonly minDelaySeconds?: number; readonly throttled?: true }
  | { readonly kind: 'permanent'; readonly disable?: true; readonly credentials?: true }
  | { readonly kind: 'split' };

/**
 * The verdict on a robot that answers a code inside a 200. Zero there is the only success; a code that is missing or unknown may
 * pass, and attempts are bounded. Elsewhere the status decides, and a known code only makes it more exact.
 */
export const robotVerdict = (
  response: HttpResponse,
  now: number,
  member: 'errcode' | 'code',
  codes: Readonly<Record<number, CodeVerdict>>,
): Verdict => {
  const { status, headers } = response;
  const answer = robotAnswer(response);
  const written = answer?.[member];
  // A gateway may turn numbers into texts. That is still an error that is known, and still no success.
  const code = typeof written === 'string' && /^-?[1-9]\d{0,9}$/.test(written) ? Number(written) : written;
  const known = typeof code === 'number' && Object.hasOwn(codes, code) ? codes[code] : undefined;
  const words = answer?.[member === 'code' ? 'msg' : 'errmsg'];
  const said =
    typeof code === 'number' ? `${member} ${code}${typeof words === 'string' ? `: ${words.slice(0, 200)}` : ''}` : '';
  if (status !== 200) {
    const byStatus = httpVerdict(response, now);
    if (byStatus.kind === 'ok') return { kind: 'retry', reason: `HTTP ${status} instead of 200` };
    if (known === undefined || (byStatus.kind === 'permanent' && byStatus.disable === true)) return byStatus;
    if (status < 400 || (byStatus.kind === 'retry' && known.kind !== 'retry')) return byStatus;
    return longer({ ...known, reason: `HTTP ${status}, ${said}` }, byStatus);
  }
  if (code === 0) return { kind: 'ok' };
  const asked = retryAfterSeconds(headers['retry-after'], now);
  const told: Verdict = { kind: 'retry', reason: '', ...given({ minDelaySeconds: asked }) };
  if (typeof code !== 'number') return { ...told, reason: `a 200 without a${member === 'code' ? '' : 'n'} ${member}` };
  return longer({ ...(known ?? { kind: 'retry' }), reason: said }, told);
};

/** A verdict with the longer of two delays. */
const longer = (verdict: Verdict, other: Verdict): Verdict => {
  if (verdict.kind !== 'retry' || other.kind !== 'retry' || other.minDelaySeconds === undefined) return verdict;
  return { ...verdict, minDelaySeconds: Math.max(verdict.minDelaySeconds ?? 0, other.minDelaySeconds) };
};

/** The JSON object of a robot's answer, or undefined. Never throws. */
export const robotAnswer = ({ body }: HttpResponse): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(bodyText(body));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};

/** Without the mark that some gateways begin UTF-8 with. */
export const bodyText = (body: Uint8Array): string => new TextDecoder().decode(body);
