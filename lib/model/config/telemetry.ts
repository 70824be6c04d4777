/** The `telemetry` section of tidemark.config.ts: how much is sampled, what may leave, and where it goes. */
export interface TelemetryConfig {
  /** How much is kept when queues fill up. @default `OTEL_TRACES_SAMPLER` alone decides */
  readonly sampling?: SamplingConfig;
  /** When the process is short of something itself. @default every threshold as listed there */
  readonly breaker?: BreakerConfig;
  /** What may leave, by a name of your own that back ends refer to. @default nothing is redacted */
  readonly redaction?: Readonly<Record<string, RedactionProfile>>;
  /** Name of the profile that baggage passes before it leaves with a message; what is found becomes the name of its kind. @default all of it leaves */
  readonly baggage?: string;
  /** Where spans can go, by a name of your own. @default as `OTEL_EXPORTER_OTLP_*` says */
  readonly backEnds?: Readonly<Record<string, BackEndConfig>>;
  /** Which service's spans go where; the first that matches decides. @default none */
  readonly routes?: readonly RouteConfig[];
  /** Back ends for what no route matches. Empty: such spans are dropped and counted as `no-route`. @default all back ends */
  readonly defaultBackEnds?: readonly string[];
  /** How tidemark's own metrics leave: as lines of CloudWatch's embedded metric format, by OTLP, or not at all. @default emf */
  readonly metrics?: 'emf' | 'otlp' | 'none';
}

/** Sampling by backlog: 1 below 30 % fill, then 1 - 0.9 × fill, at most 0.1 above 70 %, in steps of powers of two, never below 1/64. */
export interface SamplingConfig {
  /** Name of the watched queue whose fill decides; it needs a `capacity` in `watermarks.queues`. */
  readonly queue: string;
  /** Share of new traces that is kept without any backlog; at most this much under one. @default 1 */
  readonly ratio?: number;
  /** Whether every span that ends with an error is kept, as a stratum of its own. @default true */
  readonly keepErrors?: boolean;
  /** Roots of at least this many milliseconds are kept, as a stratum of their own. @default none */
  readonly keepSlowMs?: number;
}

/** While one of these holds, new traces are sampled at `cap` at most. It closes after a minute without any. */
export interface BreakerConfig {
  /** Share of the CPU that the function has. @default 0.85 */
  readonly cpuShare?: number;
  /** Seconds that the share must hold. @default 30 */
  readonly cpuSeconds?: number;
  /** 99th percentile of the export times of the last minute, in milliseconds. @default 5000 */
  readonly exportP99Ms?: number;
  /** Major collections within a minute. @default 3 */
  readonly majorCollections?: number;
  /** @default 0.1 */
  readonly cap?: number;
}

/** What is found in the values of spans: validated, not merely matched, where a checksum exists. */
export type PersonalKind = (typeof personalKinds)[number];
export const personalKinds = ['email', 'phone', 'card', 'residentId', 'iban', 'jwt', 'awsKey'] as const;

/** A text under a key with one of these words never leaves: `http.request.header.authorization`, `db.password`, `x-api-key`. */
export const secretWords: readonly string[] = [
  'password',
  'passwd',
  'passphrase',
  'pwd',
  'secret',
  'secrets',
  'token',
  'authorization',
  'cookie',
  'apikey',
  'privatekey',
  'secretkey',
  'accesskey',
  'credential',
  'credentials',
];

/** What may leave. Keys are told exactly or as `prefix.*`. */
export interface RedactionProfile {
  /** Attribute keys that may leave; every other attribute is removed, and so is every new one (fail closed). @default all */
  readonly allowKeys?: readonly string[];
  /** Attribute keys whose values are replaced, besides those that name a secret (`password`, `authorization`, `cookie`, …). @default none */
  readonly blockKeys?: readonly string[];
  /** What is looked for in texts. @default all of them */
  readonly find?: readonly PersonalKind[];
  /** Patterns of your own by name: regular expressions without look-around and back references, matched in linear time. @default none */
  readonly patterns?: Readonly<Record<string, string>>;
  /** Whether user names, passwords and the values of query parameters are taken out of URLs. @default true */
  readonly urls?: boolean;
  /** Query parameters whose values may stay. @default none */
  readonly allowQuery?: readonly string[];
  /** Whether literals are taken out of SQL (`db.query.text`, `db.statement`) and query parameters are replaced. @default true */
  readonly sql?: boolean;
  /** Secret reference of a key: what is found becomes a token that is the same for the same value, so that values still join. @default none: it becomes the name of its kind */
  readonly tokenKey?: string;
}

/** One OTLP/HTTP back end. */
export interface BackEndConfig {
  /** Where traces are posted: the whole URL, such as `http://collector:4318/v1/traces`. */
  readonly url: string;
  /** @default protobuf */
  readonly encoding?: 'protobuf' | 'json';
  /** @default gzip */
  readonly compression?: 'gzip' | 'zstd' | 'none';
  /** Headers that are no secrets. @default none */
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers by secret references (`secretsmanager:name`, `ssm:name`). @default none */
  readonly secretHeaders?: Readonly<Record<string, string>>;
  /** Name under which AWS knows the service that requests are signed for (`xray`). @default requests are not signed */
  readonly signFor?: string;
  /** Name of a redaction profile. @default none: spans leave as they are */
  readonly redaction?: string;
  /** Spans that wait at most; more are dropped and counted as `queue-full`. @default 2048 */
  readonly maxQueue?: number;
  /** Spans in one request at most. @default 512 */
  readonly maxBatch?: number;
  /** Longest wait of one export, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
}

/** Exactly one of `service`, `servicePrefix` and `servicePattern`, matched against `service.name`. */
export interface RouteConfig {
  /** The whole name. */
  readonly service?: string;
  readonly servicePrefix?: string;
  /** A regular expression for the whole name; the same kind as in redaction. */
  readonly servicePattern?: string;
  /** Every one of these gets the spans. Empty: they are dropped and counted as `no-route`. */
  readonly backEnds: readonly string[];
}
