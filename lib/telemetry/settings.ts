import type { Attributes } from '../model/span.ts';
import { type Encoding, encodings } from './encode.ts';
import { type SamplerName, samplerNames } from './head-sampler.ts';
import { resourceOf } from './resource.ts';
import { authorityOf, type Environment, type Reading, reading } from './variables.ts';

/** What the standard `OTEL_*` variables say about tracing; docs/guides/telemetry.md has the table of defaults. */
export interface Settings {
  /** No spans at all; context still flows. */
  readonly disabled: boolean;
  readonly resource: Attributes;
  readonly sampler: { readonly name: SamplerName; readonly ratio: number };
  readonly exporter: ExporterName;
  readonly otlp: OtlpSettings;
  readonly batch: BatchSettings;
  readonly limits: SpanLimits;
  /** One line for each value that could not be used: the variable, its value, what is expected, and what is used instead. */
  readonly warnings: readonly string[];
}

export interface OtlpSettings {
  readonly url: string;
  /** Nobody asked for an endpoint: a Collector beside the function is tried, and not missed when there is none. */
  readonly isDefault: boolean;
  readonly encoding: Encoding;
  readonly compression: Compression;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Paths of PEM files. */
  readonly tls: Readonly<Partial<Record<'ca' | 'cert' | 'key', string | undefined>>>;
}

export interface BatchSettings {
  readonly maxQueue: number;
  readonly maxBatch: number;
  /** Longest wait before spans leave, outside of Lambda; inside, they leave before the function answers. */
  readonly delayMs: number;
  readonly timeoutMs: number;
}

/** How much one span may hold. */
export interface SpanLimits {
  readonly attributes: number;
  /** Characters of one text; Infinity for no limit. */
  readonly valueLength: number;
  readonly events: number;
  readonly links: number;
  readonly eventAttributes: number;
  readonly linkAttributes: number;
}

export type Compression = (typeof compressions)[number];
const compressions = ['gzip', 'zstd', 'none'] as const;
export type ExporterName = (typeof exporters)[number];
const exporters = ['otlp', 'console', 'none'] as const;
/** Reads all of them at once. Never throws: what cannot be used is told, and its default holds. */
export const readSettings = (env: Environment): Settings => {
  const warnings: string[] = [];
  const read = reading(env, (warning) => warnings.push(warning));
  return {
    disabled: read.flag('OTEL_SDK_DISABLED'),
    resource: resourceOf(env, read),
    sampler: samplerOf(read),
    exporter: read.choice(['OTEL_TRACES_EXPORTER'], exporters, 'otlp'),
    otlp: otlpOf(read, 'traces'),
    batch: batchOf(read),
    limits: limitsOf(read),
    warnings,
  };
};

/** Where metrics go, when they leave by OTLP. What holds for all signals is told by `readSettings` as well. */
export const readMetricsSettings = (env: Environment): { readonly otlp: OtlpSettings } & Pick<Settings, 'warnings'> => {
  const warnings: string[] = [];
  return {
    otlp: otlpOf(
      reading(env, (warning) => warnings.push(warning)),
      'metrics',
    ),
    warnings,
  };
};

/** One trace in a hundred, and what its sender has decided: the production default. */
const samplerOf = (read: Reading): Settings['sampler'] => {
  const name = read.choice(['OTEL_TRACES_SAMPLER'], samplerNames, 'parentbased_traceidratio');
  const ratio = name.endsWith('traceidratio') ? read.number('OTEL_TRACES_SAMPLER_ARG', 0.01, { least: 0, most: 1 }) : 1;
  return { name, ratio };
};

const otlpOf = (read: Reading, signal: 'traces' | 'metrics'): OtlpSettings => {
  const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_`;
  const all = 'OTEL_EXPORTER_OTLP_';
  const path = `v1/${signal}`;
  const told = read.url(`${own}ENDPOINT`) ?? withPath(read.url(`${all}ENDPOINT`), path);
  const url = told ?? `http://localhost:4318/${path}`;
  const either = (name: string) => [own + name, all + name];
  const file = (name: string) => either(name).map(read.text).find(Boolean);
  const protocol = read.choice(either('PROTOCOL'), ['http/protobuf', 'http/json'] as const, 'http/protobuf');
  return {
    url,
    isDefault: told === undefined,
    encoding: protocol === 'http/json' ? 'json' : 'protobuf',
    // A Collector on the same machine: compressing would cost more than it spares.
    compression: read.choice(either('COMPRESSION'), compressions, isLoopback(url) ? 'none' : 'gzip'),
    headers: { ...read.pairs(`${all}HEADERS`, 'secret'), ...read.pairs(`${own}HEADERS`, 'secret') },
    timeoutMs: read.whole(either('TIMEOUT'), 10_000, { least: 1 }),
    tls: { ca: file('CERTIFICATE'), cert: file('CLIENT_CERTIFICATE'), key: file('CLIENT_KEY') },
  };
};

/** The specification: the path of the signal is appended to that of the endpoint. */
const withPath = (url: string | undefined, path: string): string | undefined => {
  if (url === undefined) return undefined;
  const [base, ...query] = url.split('?') as [string];
  return [`${base}${base.endsWith('/') ? '' : '/'}${path}`, ...query].join('?');
};

/** Without a regular expression: the first one of a process takes V8 as long as all other variables. */
const isLoopback = (url: string): boolean => {
  const host = `${authorityOf(url).toLowerCase()}:`;
  return ['localhost:', '127.', '[::1]:'].some((start) => host.startsWith(start));
};

const batchOf = (read: Reading): BatchSettings => {
  const maxQueue = read.whole(['OTEL_BSP_MAX_QUEUE_SIZE'], 2048, { least: 1 });
  return {
    maxQueue,
    maxBatch: read.whole(['OTEL_BSP_MAX_EXPORT_BATCH_SIZE'], Math.min(2048, maxQueue), { least: 1, most: maxQueue }),
    delayMs: read.whole(['OTEL_BSP_SCHEDULE_DELAY'], 5000, { least: 0 }),
    timeoutMs: read.whole(['OTEL_BSP_EXPORT_TIMEOUT'], 10_000, { least: 1 }),
  };
};

const limitsOf = (read: Reading): SpanLimits => {
  const whole = (names: readonly string[], otherwise: number) => read.whole(names, otherwise, { least: 0 });
  return {
    attributes: whole(['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT'], 128),
    valueLength: whole(
      ['OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT'],
      Number.POSITIVE_INFINITY,
    ),
    events: whole(['OTEL_SPAN_EVENT_COUNT_LIMIT'], 128),
    // A batch has a link for each of its messages, and nothing else tells where these came from.
    links: whole(['OTEL_SPAN_LINK_COUNT_LIMIT'], 1000),
    eventAttributes: whole(['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT'], 128),
    linkAttributes: whole(['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT'], 128),
  };
};

export const contentTypeOf = (encoding: Encoding): string => encodings[encoding].contentType;
