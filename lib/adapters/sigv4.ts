import { createHash, createHmac } from 'node:crypto';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** The credentials that Lambda puts into every function's environment. */
export const credentialsOf = (env: Readonly<Record<string, string | undefined>>): AwsCredentials | undefined => {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, sessionToken: sessionToken === '' ? undefined : sessionToken };
};

interface Signing {
  readonly method: string;
  readonly url: string;
  readonly region: string;
  readonly service: string;
  readonly credentials: AwsCredentials;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Headers that make a request acceptable to AWS: Signature Version 4 over the whole of it. Load this module lazily: node:crypto costs 7 ms. */
export const signedHeaders = (
  options: Signing & { readonly headers?: Readonly<Record<string, string>>; readonly body?: string | Uint8Array },
): Record<string, string> => {
  const { method, url, region, service, credentials, at, headers = {}, body = '' } = options;
  const target = new URL(url);
  const { long, short } = stamps(at);
  const all: Record<string, string> = { host: target.host, 'x-amz-date': long };
  for (const [name, value] of Object.entries(headers)) all[name.toLowerCase()] = value;
  if (credentials.sessionToken !== undefined) all['x-amz-security-token'] = credentials.sessionToken;
  const names = Object.keys(all).sort();
  const scope = `${short}/${region}/${service}/aws4_request`;
  const canonical = [
    method,
    canonicalPath(target),
    canonicalQuery(target.searchParams),
    ...names.map((name) => `${name}:${all[name]?.trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    hash(body),
  ].join('\n');
  const signature = sign(
    credentials,
    short,
    region,
    service,
    `AWS4-HMAC-SHA256\n${long}\n${scope}\n${hash(canonical)}`,
  );
  const { host: _, ...sent } = all;
  return {
    ...sent,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
};

/** A URL that whoever holds it may GET until it expires, if it also sends the signed headers. */
export const presignedUrl = (
  options: Signing & { readonly headers?: Readonly<Record<string, string>>; readonly expiresSeconds: number },
): string => {
  const { method, url, region, service, credentials, at, headers = {}, expiresSeconds } = options;
  const target = new URL(url);
  const { long, short } = stamps(at);
  const all: Record<string, string> = { host: target.host };
  for (const [name, value] of Object.entries(headers)) all[name.toLowerCase()] = value;
  const names = Object.keys(all).sort();
  const scope = `${short}/${region}/${service}/aws4_request`;
  const query = target.searchParams;
  query.set('X-Amz-Algorithm', 'AWS4-HMAC-SHA256');
  query.set('X-Amz-Credential', `${credentials.accessKeyId}/${scope}`);
  query.set('X-Amz-Date', long);
  query.set('X-Amz-Expires', String(expiresSeconds));
  if (credentials.sessionToken !== undefined) query.set('X-Amz-Security-Token', credentials.sessionToken);
  query.set('X-Amz-SignedHeaders', names.join(';'));
  const canonical = [
    method,
    canonicalPath(target),
    canonicalQuery(query),
    ...names.map((name) => `${name}:${all[name]?.trim()}`),
    '',
    names.join(';'),
    hash(''),
  ].join('\n');
  const signature = sign(
    credentials,
    short,
    region,
    service,
    `AWS4-HMAC-SHA256\n${long}\n${scope}\n${hash(canonical)}`,
  );
  return `${target.origin}${target.pathname}?${canonicalQuery(query)}&X-Amz-Signature=${signature}`;
};

const sign = (
  { secretAccessKey }: AwsCredentials,
  date: string,
  region: string,
  service: string,
  text: string,
): string => {
  const key = [date, region, service, 'aws4_request'].reduce<Buffer | string>(
    (secret, part) => createHmac('sha256', secret).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  return createHmac('sha256', key).update(text).digest('hex');
};

const hash = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

/** `20260101T000000Z` and `20260101`. */
const stamps = (at: number) => {
  const long = new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, '');
  return { long, short: long.slice(0, 8) };
};

/** Every service but S3 wants each segment encoded once more. */
const canonicalPath = ({ pathname }: URL): string =>
  pathname === '' ? '/' : pathname.split('/').map(encode).join('/');

const canonicalQuery = (query: URLSearchParams): string =>
  [...query]
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : x > y ? 1 : 0))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
