import { canonicalPath, canonicalQuery, hash, type Signing, sign, stamps } from './signing.ts';

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
