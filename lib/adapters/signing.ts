import type { AwsCredentials } from './sigv4.ts';

/** What Signature Version 4 signs, however the signature travels. */
export interface Signing {
  readonly method: string;
  readonly url: string;
  readonly region: string;
  readonly service: string;
  readonly credentials: AwsCredentials;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Loaded when something is signed for the first time: it takes 7 ms. */
const crypto = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto');

export const sign = (
  { secretAccessKey }: AwsCredentials,
  date: string,
  region: string,
  service: string,
  text: string,
): string => {
  const { createHmac } = crypto();
  const key = [date, region, service, 'aws4_request'].reduce<Buffer | string>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  return createHmac('sha256', key).update(text).digest('hex');
};

export const hash = (text: string | Uint8Array): string => crypto().createHash('sha256').update(text).digest('hex');

/** `20260101T000000Z` and `20260101`. */
export const stamps = (at: number) => {
  const long = new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '');
  return { long, short: long.slice(0, 8) };
};

/** Every service but S3 wants each segment encoded once more. */
export const canonicalPath = ({ pathname }: URL): string =>
  pathname === '' ? '/' : pathname.split('/').map(encode).join('/');

export const canonicalQuery = (query: URLSearchParams): string =>
  [...query]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
