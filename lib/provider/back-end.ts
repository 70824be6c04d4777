import { otlpBackEnd } from '../adapters/otlp.ts';
import { credentialsOf } from '../adapters/sigv4.ts';
import type { BackEnd } from '../model/back-end.ts';
import type { Clock, Log, Random } from '../model/ports.ts';
import type { Attributes, Span } from '../model/span.ts';
import { encodings } from '../telemetry/encode.ts';
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

/** One OTLP/HTTP endpoint. Requests to CloudWatch's are signed with the credentials of the function. */
export const otlpOf = (
  name: string,
  { url, isDefault, encoding, compression, headers, timeoutMs, tls }: OtlpSettings,
  ports: BackEndPorts,
): BackEnd => {
  const aws = awsEndpoint(url);
  return otlpBackEnd({
    ...ports,
    name,
    url,
    encode: encodings[encoding].encoder(),
    contentType: contentTypeOf(encoding),
    // CloudWatch's endpoints take gzip or nothing.
    compression: aws !== undefined && compression === 'zstd' ? 'gzip' : compression,
    headers,
    timeoutMs,
    tls,
    optional: isDefault,
    ...(aws === undefined ? {} : { sign: { ...aws, credentials: () => credentialsOf(ports.env) } }),
  });
};

/** `https://xray.<region>.amazonaws.com/v1/traces`, and those for logs and metrics. */
export const awsEndpoint = (url: string): { readonly service: string; readonly region: string } | undefined => {
  const found = /^https:\/\/(xray|logs|monitoring)\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\//.exec(url);
  return found === null ? undefined : { service: found[1] as string, region: found[2] as string };
};

/** One line of the log a span: for a look at what is recorded. */
const consoleBackEnd = (log: Log | undefined): BackEnd => ({
  name: 'console',
  export: async (spans) => {
    for (const span of spans) log?.('info', 'span', { span: fieldsOf(span) });
    return { kept: spans.length, dropped: {} };
  },
});

const fieldsOf = ({
  traceId,
  spanId,
  parentSpanId,
  name,
  kind,
  startNanos,
  endNanos,
  status,
  attributes,
  events,
  links,
}: Span) => ({
  traceId,
  spanId,
  parentSpanId,
  name,
  kind,
  startNanos,
  endNanos,
  status,
  attributes: attributes satisfies Attributes,
  events,
  links,
});
