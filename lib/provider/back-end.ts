import { type OtlpOptions, otlpBackEnd } from '../adapters/otlp.ts';
import type { BackEnd } from '../model/back-end.ts';
import type { Clock, Log, Random } from '../model/ports.ts';
import { type Encode, type Encoding, encodings } from '../telemetry/encode.ts';
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
  const { encoding, encode } = encoderOf(settings.encoding, ports);
  return otlpBackEnd({ ...otlpOptions(name, { ...settings, encoding }, ports), encode });
};

/**
 * Made for the first batch: most starts send nothing. A bundle has no JSON where neither configuration nor environment asked for it at
 * synth: a variable that was set since cannot bring it.
 */
export const encoderOf = (
  asked: Encoding,
  { log }: BackEndPorts,
): { readonly encoding: Encoding; readonly encode: Encode } => {
  const isThere = (encodings[asked].encoder as unknown) !== undefined;
  const encoding = isThere ? asked : 'protobuf';
  if (!isThere) log?.('warn', `spans leave as protobuf: ${asked} was left out of the bundle`);
  let encode: Encode | undefined;
  return {
    encoding,
    encode: (spans) => {
      encode ??= encodings[encoding].encoder();
      return encode(spans);
    },
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

/** `https://xray.<region>.amazonaws.com/v1/traces`, and those for logs and metrics. */
export const awsEndpoint = (url: string): { readonly service: string; readonly region: string } | undefined => {
  if (!url.startsWith('https:')) return undefined;
  const found = /^https:\/\/(xray|logs|monitoring)\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\//.exec(url);
  return found === null ? undefined : { service: found[1] as string, region: found[2] as string };
};

/** One line of the log a span, as OTLP/JSON has it: for a look at what is recorded. */
const consoleBackEnd = (log: Log | undefined): BackEnd => {
  const encode = (encodings.json.encoder as (() => Encode) | undefined)?.();
  if (encode === undefined) {
    log?.(
      'warn',
      'no spans are written to the log: json was left out of the bundle, since no variable asked for it at synth',
    );
  }
  return {
    name: 'console',
    export: async (spans) => {
      if (encode === undefined) return { kept: 0, dropped: { misconfigured: spans.length } };
      for (const span of spans) log?.('info', 'span', JSON.parse(encode([span]).toString()));
      return { kept: spans.length, dropped: {} };
    },
  };
};
