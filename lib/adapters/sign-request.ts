import { Failure } from '../model/failure.ts';
import type { Clock } from '../model/ports.ts';

/** Signs a POST for a service of AWS with the credentials of the function; what signs is loaded at the first call. */
export const signFor =
  (options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly clock: Clock;
    readonly service: string;
  }) =>
  async (
    {
      url,
      body,
      headers,
    }: { readonly url: string; readonly body: Uint8Array; readonly headers: Readonly<Record<string, string>> },
    region: string,
  ): Promise<Readonly<Record<string, string>>> => {
    const { signedHeaders, credentialsOf } = await import('./sigv4.ts');
    const credentials = credentialsOf(options.env);
    if (credentials === undefined)
      throw new Failure('misconfigured', 'there are no AWS credentials in the environment');
    const { service, clock } = options;
    return signedHeaders({ method: 'POST', url, region, service, credentials, at: clock(), headers, body });
  };
