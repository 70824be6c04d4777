import type { Failure } from '../model/failure.ts';
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
      ...(minDelaySeconds === undefined ? {} : { minDelaySeconds }),
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

/** Retry-After as seconds from now: delta-seconds or an HTTP date. A malformed or past value means no minimum. */
export const retryAfterSeconds = (text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined;
  if (/^\s*\d+\s*$/.test(text)) return Number(text);
  if (!/^[A-Za-z]{3,9},? /.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) || at <= now ? undefined : Math.ceil((at - now) / 1000);
};

/** The JSON object of a robot's answer, or undefined. */
export const robotAnswer = ({ body }: HttpResponse): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};
