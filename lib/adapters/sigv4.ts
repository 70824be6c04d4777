import { canonicalPath, canonicalQuery, hash, type Signing, sign, stamps } from './signing.ts';

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

/** Headers that make a request acceptable to AWS: Signature Version 4 over the whole of it. */
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
