import { otlpBackEnd } from '../adapters/otlp.ts';
import type { BackEnd } from '../model/back-end.ts';
import type { BackEndConfig, TelemetryConfig } from '../model/config/telemetry.ts';
import { Failure } from '../model/failure.ts';
import type { Crypto, Secrets } from '../model/ports.ts';
import type { Redact } from '../telemetry/route.ts';
import { type BackEndPorts, encoderOf, otlpOptions } from './back-end.ts';

/** One of `telemetry.backEnds`. Secret headers are asked for at each request, of a store that keeps them for some minutes, and anew when they were refused. */
export const configuredBackEnd = (
  name: string,
  config: BackEndConfig,
  ports: BackEndPorts & { readonly secrets: Secrets },
): BackEnd => {
  const { url, encoding = 'protobuf', compression = 'gzip', headers = {}, secretHeaders = {}, signFor } = config;
  const { env, secrets } = ports;
  const { timeoutMs = 10_000 } = config;
  const settings = { url, isDefault: false, encoding, compression, headers, timeoutMs, tls: {} };
  const region = env['AWS_REGION'];
  const encoder = encoderOf(encoding, ports);
  return otlpBackEnd({
    ...otlpOptions(name, { ...settings, encoding: encoder.encoding }, ports),
    encode: encoder.encode,
    ...(signFor === undefined || region === undefined ? {} : { sign: { service: signFor, region, env } }),
    ...(Object.keys(secretHeaders).length === 0
      ? {}
      : {
          headers: async (fresh: boolean) => {
            const fetched = Object.entries(secretHeaders).map(async ([header, reference]) => [
              header,
              await secrets(reference, { fresh }),
            ]);
            return { ...headers, ...(Object.fromEntries(await Promise.all(fetched)) as Record<string, string>) };
          },
        }),
  });
};

interface RedactorPorts {
  readonly config?: TelemetryConfig | undefined;
  readonly secrets: Secrets;
  readonly hmacSha256: Crypto['hmacSha256'];
}

/** Each is made when its back end is first used: the code is only then loaded, and a key fetched. */
export const redactorsOf = ({
  config = {},
  secrets,
  hmacSha256,
}: RedactorPorts): Record<string, () => Promise<Redact>> => {
  const redactors: Record<string, () => Promise<Redact>> = {};
  for (const [name, { redaction }] of Object.entries(config.backEnds ?? {})) {
    if (redaction === undefined) continue;
    redactors[name] = async () => {
      const profile = config.redaction?.[redaction];
      // Validated at synth; without it nothing may leave.
      if (profile === undefined) throw new Failure('misconfigured', 'no such profile', { where: redaction });
      const { redactor } = await import('#tidemark.redaction');
      const { tokenKey } = profile;
      if (tokenKey === undefined) return redactor(profile).span;
      const key = Buffer.from(await secrets(tokenKey));
      return redactor(profile, { hmac: (message) => hmacSha256(key, message) }).span;
    };
  }
  return redactors;
};
