import { type OtlpOptions, otlpBackEnd } from '../adapters/otlp.ts';
import type { BackEnd } from '../model/back-end.ts';
import type { BackEndConfig } from '../model/config/telemetry.ts';
import type { Clock, Log, Random, Secrets } from '../model/ports.ts';
import { type Encode, type Encoding, encodeJson, encodings } from '../telemetry/encode.ts';
import { contentTypeOf, type OtlpSettings, type Settings } from '../telemetry/settings.ts';
import type { Environment } from '../telemetry/variables.ts';

export interface BackEndPorts {
  readonly env: Environment;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Log | undefined;
}

/** Where spans go by `OTEL_TRACES_EXPORTER`; undefined for `none`: they are made, so that context flows on, and not kept. */
export const backEndOf = ({ exporter, otlp }: Settings, ports: BackEndPorts): BackEnd | undefined => {
  if (exporter === 'none') return undefined;
  return exporter === 'console' ? consoleBackEnd(ports.log) : otlpOf('otlp', otlp, ports);
};

/** One OTLP/HTTP endpoint for spans. */
export const otlpOf = (name: string, settings: OtlpSettings, ports: BackEndPorts): BackEnd => {
  const { encoding } = settings;
  return otlpBackEnd({ ...otlpOptions(name, settings, ports), encode: encoderOf(encoding) });
};

/** Made for the first batch: most starts send nothing. */
const encoderOf = (encoding: Encoding): Encode => {
  let encode: Encode | undefined;
  return (spans) => {
    encode ??= encodings[encoding].encoder();
    return encode(spans);
  };
};

/** All but what it encodes. Requests to CloudWatch's endpoints are signed with the credentials of the function. */
export const otlpOptions = (
  name: string,
  { url, isDefault, encoding, compression, headers, timeoutMs, tls }: OtlpSettings,
  ports: BackEndPorts,
): Omit<OtlpOptions, 'encode'> => {
  const aws = awsEndpoint(url);
  return {
    ...ports,
    name,
    url,
    contentType: contentTypeOf(encoding),
    // CloudWatch's endpoints take gzip or nothing.
    compression: aws !== undefined && compression === 'zstd' ? 'gzip' : compression,
    headers,
    timeoutMs,
    tls,
    optional: isDefault,
    ...(aws === undefined ? {} : { sign: { ...aws, env: ports.env } }),
  };
};

/** One of `telemetry.backEnds`. Secret headers are fetched before the first request. */
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
  return otlpBackEnd({
    ...otlpOptions(name, settings, ports),
    encode: encoderOf(encoding),
    ...(signFor === undefined || region === undefined ? {} : { sign: { service: signFor, region, env } }),
    ...(Object.keys(secretHeaders).length === 0
      ? {}
      : {
          headers: async () => {
            const fetched = Object.entries(secretHeaders).map(async ([header, reference]) => [
              header,
              await secrets(reference),
            ]);
            return { ...headers, ...(Object.fromEntries(await Promise.all(fetched)) as Record<string, string>) };
          },
        }),
  });
};

/** `https://xray.<region>.amazonaws.com/v1/traces`, and those for logs and metrics. */
export const awsEndpoint = (url: string): { readonly service: string; readonly region: string } | undefined => {
  if (!url.startsWith('https:')) return undefined;
  const found = /^https:\/\/(xray|logs|monitoring)\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\//.exec(url);
  return found === null ? undefined : { service: found[1] as string, region: found[2] as string };
};

/** One line of the log a span, as OTLP/JSON has it: for a look at what is recorded. */
const consoleBackEnd = (log: Log | undefined): BackEnd => ({
  name: 'console',
  export: async (spans) => {
    for (const span of spans) log?.('info', 'span', JSON.parse(encodeJson([span])));
    return { kept: spans.length, dropped: {} };
  },
});
