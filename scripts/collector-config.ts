import {
  type BackEndConfig,
  type PersonalKind,
  personalKinds,
  type RedactionProfile,
  type RouteConfig,
  secretWords,
  type TelemetryConfig,
} from '../lib/model/config/telemetry.ts';
import { Failure } from '../lib/model/failure.ts';

/**
 * What the `telemetry` section says, as a configuration of the OpenTelemetry Collector: the routing connector for `routes`, a transform
 * and a redaction processor for each profile, an exporter for each back end. What the Collector cannot do so is listed in
 * ops/collector/README.md.
 */
export const collectorConfig = (telemetry: TelemetryConfig): Record<string, unknown> => {
  const backEnds = Object.entries(telemetry.backEnds ?? {});
  if (backEnds.length === 0) {
    throw new Failure('misconfigured', 'names no back end, so there is nothing to send to', {
      where: 'telemetry.backEnds',
    });
  }
  const profiles = Object.entries(telemetry.redaction ?? {});
  const routes = telemetry.routes ?? [];
  const pipelinesOf = (names: readonly string[]) => names.map((name) => `traces/${name}`);
  const defaults = telemetry.defaultBackEnds ?? backEnds.map(([name]) => name);
  const drops = defaults.length === 0 || routes.some((route) => route.backEnds.length === 0);
  const orDrop = (names: readonly string[]) => (names.length === 0 ? ['traces/no-route'] : pipelinesOf(names));
  const routed = routes.length > 0 || defaults.length < backEnds.length;
  const signed = backEnds.filter(([, { signFor }]) => signFor !== undefined);
  return {
    ...(signed.length === 0
      ? {}
      : {
          extensions: Object.fromEntries(
            signed.map(([name, { signFor }]) => [
              `sigv4auth/${name}`,
              { region: '${env:AWS_REGION}', service: signFor },
            ]),
          ),
        }),
    receivers: {
      otlp: {
        protocols: {
          grpc: { endpoint: '${env:OTLP_GRPC_ENDPOINT:-0.0.0.0:4317}' },
          http: { endpoint: '${env:OTLP_HTTP_ENDPOINT:-0.0.0.0:4318}' },
        },
      },
    },
    processors: {
      memory_limiter: { check_interval: '1s', limit_percentage: 80, spike_limit_percentage: 25 },
      ...Object.fromEntries(
        profiles.flatMap(([name, profile]) => [
          [`transform/${name}`, transform(profile)],
          [`redaction/${name}`, redaction(profile)],
        ]),
      ),
      ...Object.fromEntries(
        backEnds.map(([name, { maxBatch = 512 }]) => [
          `batch/${name}`,
          { timeout: '1s', send_batch_size: maxBatch, send_batch_max_size: maxBatch },
        ]),
      ),
    },
    ...(routed
      ? {
          connectors: {
            routing: {
              // A condition that fails must not send spans to somebody else.
              error_mode: 'propagate',
              default_pipelines: orDrop(defaults),
              table: routes.map((route) => ({
                context: 'resource',
                condition: escaped(condition(route)),
                pipelines: orDrop(route.backEnds),
              })),
            },
          },
        }
      : {}),
    exporters: {
      ...Object.fromEntries(backEnds.map(([name, backEnd]) => [`otlphttp/${name}`, exporter(name, backEnd)])),
      ...(drops ? { nop: {} } : {}),
    },
    service: {
      ...(signed.length === 0 ? {} : { extensions: signed.map(([name]) => `sigv4auth/${name}`) }),
      pipelines: {
        ...(routed
          ? { 'traces/in': { receivers: ['otlp'], processors: ['memory_limiter'], exporters: ['routing'] } }
          : {}),
        ...Object.fromEntries(
          backEnds.map(([name, backEnd]) => [
            `traces/${name}`,
            {
              receivers: [routed ? 'routing' : 'otlp'],
              processors: [
                ...(routed ? [] : ['memory_limiter']),
                ...(backEnd.redaction === undefined
                  ? []
                  : [`transform/${backEnd.redaction}`, `redaction/${backEnd.redaction}`]),
                `batch/${name}`,
              ],
              exporters: [`otlphttp/${name}`],
            },
          ]),
        ),
        ...(drops ? { 'traces/no-route': { receivers: ['routing'], exporters: ['nop'] } } : {}),
      },
    },
  };
};

const condition = ({ service, servicePrefix, servicePattern }: RouteConfig): string => {
  const name = 'resource.attributes["service.name"]';
  if (service !== undefined) return `${name} == ${quoted(service)}`;
  if (servicePrefix !== undefined) return `IsMatch(${name}, ${quoted(`^${literally(servicePrefix)}`)})`;
  return `IsMatch(${name}, ${quoted(wholly(servicePattern ?? ''))})`;
};

/** The flags of a pattern stand at its beginning. */
const wholly = (pattern: string): string =>
  pattern.startsWith('(?i)') ? `(?i)^(?:${pattern.slice(4)})$` : `^(?:${pattern})$`;

const exporter = (name: string, backEnd: BackEndConfig) => ({
  traces_endpoint: backEnd.url,
  encoding: backEnd.encoding === 'json' ? 'json' : 'proto',
  compression: backEnd.compression ?? 'gzip',
  timeout: `${backEnd.timeoutMs ?? 10_000}ms`,
  ...(backEnd.headers === undefined && backEnd.secretHeaders === undefined
    ? {}
    : {
        headers: {
          ...Object.fromEntries(Object.entries(backEnd.headers ?? {}).map(([key, value]) => [key, escaped(value)])),
          // Secrets come from the Collector's own environment.
          ...Object.fromEntries(
            Object.keys(backEnd.secretHeaders ?? {}).map((key) => [key, `\${env:${secretVariable(name, key)}}`]),
          ),
        },
      }),
  ...(backEnd.signFor === undefined ? {} : { auth: { authenticator: `sigv4auth/${name}` } }),
  retry_on_failure: { enabled: true },
  // Each exporter has a queue of its own: a dead back end fills no other one's.
  sending_queue: { enabled: true, sizer: 'items', queue_size: backEnd.maxQueue ?? 2048 },
});

/** Where the Collector finds the value of a secret header. */
export const secretVariable = (backEnd: string, header: string): string =>
  `${backEnd}_${header}`.toUpperCase().replace(/[^A-Z0-9]/g, '_');

interface Place {
  readonly context: 'resource' | 'span' | 'spanevent';
  readonly texts: readonly string[];
}

const places: readonly Place[] = [
  { context: 'resource', texts: [] },
  { context: 'span', texts: ['span.name', 'span.status.message'] },
  { context: 'spanevent', texts: ['spanevent.name'] },
];

const transform = (profile: RedactionProfile) => {
  const wanted = profile.find ?? personalKinds;
  const replacements = [
    ...Object.entries(kindPatterns).filter(([kind]) => wanted.includes(kind as PersonalKind)),
    ...Object.entries(profile.patterns ?? {}),
  ];
  const { urls = true, sql = true, allowKeys } = profile;
  return {
    // A span that could not be looked through must not leave.
    error_mode: 'propagate',
    trace_statements: places.map(({ context, texts }) => {
      const attributes = `${context}.attributes`;
      const everywhere = (pattern: string, by: string): string[] => [
        `replace_all_patterns(${attributes}, "value", ${quoted(pattern)}, ${quoted(by)})`,
        ...texts.map((text) => `replace_pattern(${text}, ${quoted(pattern)}, ${quoted(by)})`),
      ];
      const at = (key: string, pattern: string, by: string): string =>
        `replace_pattern(${attributes}["${key}"], ${quoted(pattern)}, ${quoted(by)}) where ${attributes}["${key}"] != nil`;
      return {
        context,
        statements: [
          ...(allowKeys === undefined
            ? []
            : [`keep_matching_keys(${attributes}, ${quoted(keyPattern([...allowKeys, 'service.name']))})`]),
          ...(urls ? everywhere('://[^/?#\\s"]+@', '://REDACTED@') : []),
          ...(urls ? everywhere('(://[^?#\\s"]*)\\?[^#\\s"]*', '$1?REDACTED') : []),
          ...(urls ? ['http.target', 'url.path'].map((key) => at(key, '\\?.*', '?REDACTED')) : []),
          ...(urls ? [at('url.query', '=[^&;]*', '=REDACTED')] : []),
          ...(sql
            ? ['db.query.text', 'db.statement'].flatMap((key) => sqlPatterns.map((each) => at(key, each, '?')))
            : []),
          ...replacements.flatMap(([name, pattern]) => everywhere(pattern, `[${name}]`)),
        ].map(escaped),
      };
    }),
  };
};

const sqlPatterns = ["'(?:[^']|'')*'", '"(?:[^"]|"")*"', '\\b[0-9]+(?:\\.[0-9]+)?\\b'];

const redaction = (profile: RedactionProfile) => {
  const { allowKeys, blockKeys = [], sql = true } = profile;
  // The processor knows whole keys alone; a list with prefixes is held by the transform processor before it.
  const exact = allowKeys !== undefined && !allowKeys.some((key) => key.endsWith('*'));
  const blocked = [...blockKeys, ...(sql ? ['db.query.parameter.*', 'db.operation.parameter.*'] : [])];
  return {
    ...(exact
      ? { allow_all_keys: false, allowed_keys: [...new Set([...allowKeys, 'service.name'])] }
      : { allow_all_keys: true }),
    blocked_key_patterns: [
      ...(blocked.length === 0 ? [] : [keyPattern(blocked)]),
      `(?i)(?:^|[^a-z0-9])(?:${[...new Set(secretWords.flatMap(spellings))].join('|')})(?:[^a-z0-9]|$)`,
    ].map(escaped),
    // Numbers as well: a card may have been recorded as one.
    ...((profile.find ?? personalKinds).includes('card')
      ? { redact_all_types: true, blocked_values: [escaped(kindPatterns.card)] }
      : {}),
    summary: 'silent',
  };
};

/** `apikey` is also spelt `api-key`. */
const spellings = (word: string): string[] => {
  const joined = /^(api|private|secret|access)(key)$/.exec(word);
  return joined === null ? [word] : [`${joined[1]}[^a-z0-9]?key`];
};

/** RE2 has no checksums: here everything of the form is replaced. In this order, since a later one may match a part of an earlier one. */
const kindPatterns: Readonly<Record<PersonalKind, string>> = {
  email: '[A-Za-z0-9._+-]+(?:@|%40)[A-Za-z0-9.-]+\\.[A-Za-z]{2,}',
  jwt: '\\beyJ[A-Za-z0-9_-]{7,}\\.[A-Za-z0-9_-]{2,}\\.[A-Za-z0-9_-]*',
  awsKey: '\\b(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|ABIA|ACCA)[A-Z0-9]{16}\\b',
  residentId: '\\b[1-9][0-9]{5}(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]\\b',
  iban: '\\b[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?\\b',
  card:
    '\\b(?:(?:4[0-9]{3}|5[0-9]{3}|2[2-7][0-9]{2}|3[0-9]{3}|6[0-9]{3}|81[0-9]{2})[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{1,7}' +
    '|3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5})\\b',
  phone:
    '\\+[1-9][0-9]{7,14}\\b|\\+[1-9][0-9]{0,2}[ .-]?\\(?[0-9]{1,4}\\)?(?:[ .-]?[0-9]{2,5}){2,4}' +
    '|\\b(?:00)?(?:86[ -]?)?1[3-9][0-9](?:[0-9]{8}|[ -][0-9]{4}[ -][0-9]{4})\\b' +
    '|(?:\\([2-9][0-9]{2}\\) ?|\\b[2-9][0-9]{2}[.-])[2-9][0-9]{2}[.-][0-9]{4}\\b|\\b0[1-9][0-9]{1,2}-[0-9]{7,8}\\b',
};

const keyPattern = (keys: readonly string[]): string =>
  `^(?:${[...new Set(keys)].map((key) => (key.endsWith('*') ? `${literally(key.slice(0, -1))}.*` : literally(key))).join('|')})$`;

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A text in OTTL. */
const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** In the Collector's files `$` begins a variable; doubled it stands for itself. */
const escaped = (text: string): string => text.replaceAll('$', '$$$$');
