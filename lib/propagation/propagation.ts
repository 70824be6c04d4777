import { customFormat } from '#tidemark.custom-format';
import type { Place } from '../model/carrier.ts';
import type { BaggagePolicy, FormatWord, PolicyWord, PropagationConfig } from '../model/config/propagation.ts';
import type { Format } from './format.ts';
import { formats } from './formats/index.ts';
import { type Names, namesOf } from './lookup.ts';

/** A configuration made ready: what extraction and injection run on. Make it once, outside the handler. */
export interface Propagation {
  /** In order of preference. */
  readonly reads: readonly Format[];
  readonly writes: readonly Format[];
  readonly carriesBaggage: boolean;
  readonly names: Names;
  /** The bits of each format's marks, by its position in `reads`. */
  readonly bits: readonly number[];
  /** Names that make a text worth parsing, besides the standard ones. */
  readonly markers: readonly string[];
  readonly conflictLinks: boolean;
  readonly brokerLinks: boolean;
  readonly rules: Rules;
  /** Undefined where no source differs. */
  readonly rulesBySource: Readonly<Record<string, Rules>> | undefined;
  /** Paths as text, kept so that naming a place allocates nothing; grows with the places of the sources, not with messages. */
  readonly paths: Map<Place, readonly string[]>;
}

/** What becomes of contexts and baggage from one source. */
export interface Rules {
  readonly policy: PolicyWord;
  readonly trustedAccounts: readonly string[] | undefined;
  readonly baggage: BaggagePolicy;
  /** True when a context is simply continued: the hot path asks nothing else then. */
  readonly plain: boolean;
}

/** The bit of `baggage` in a scan. */
export const baggageBit = 1;

/**
 * Makes a configuration ready. `propagators` is the text of `OTEL_PROPAGATORS`, where the configuration says nothing.
 * Unknown names in it are ignored, as OpenTelemetry asks.
 */
export const propagation = (config: PropagationConfig = {}, propagators?: string): Propagation => {
  const environment = propagators?.trim() ? propagatorNames(propagators) : undefined;
  const reading = config.extract ?? environment?.formats ?? (Object.keys(formats) as FormatWord[]);
  const writing = config.inject ?? environment?.formats ?? ['w3c'];
  const known = { ...formats, custom: config.custom === undefined ? undefined : customFormat(config.custom) };
  const pick = (words: readonly FormatWord[]): Format[] =>
    [...new Set(words)].flatMap((word) => (Object.hasOwn(known, word) ? (known[word] ?? []) : []));
  const reads = pick(reading);
  const names = namesOf(reads, ['baggage']);
  const rules = rulesOf(config.policy ?? 'continue', undefined, config.baggage ?? 'all');
  const sources = Object.entries(config.sources ?? {}).map(([name, { policy, trustedAccounts, baggage }]) => [
    name,
    rulesOf(policy ?? rules.policy, trustedAccounts, baggage ?? rules.baggage),
  ]);
  return {
    reads,
    writes: pick(writing),
    carriesBaggage: environment?.baggage ?? true,
    names,
    bits: reads.map(({ marks }) =>
      names.all.reduce((bits, { spelled, bit }) => (marks.includes(spelled) ? bits | bit : bits), 0),
    ),
    markers: known.custom?.marks ?? [],
    conflictLinks: config.conflictLinks ?? true,
    brokerLinks: config.brokerLinks ?? false,
    rules,
    rulesBySource: sources.length === 0 ? undefined : Object.fromEntries(sources),
    paths: new Map(),
  };
};

const rulesOf = (
  policy: PolicyWord,
  trustedAccounts: readonly string[] | undefined,
  baggage: BaggagePolicy,
): Rules => ({
  policy,
  trustedAccounts,
  baggage,
  plain: policy === 'continue' && trustedAccounts === undefined,
});

/** What `OTEL_PROPAGATORS` names, in its order: OpenTelemetry's names, and ours for what it has no name for. */
export const propagatorNames = (text: string): { formats: FormatWord[]; baggage: boolean } => {
  const words = text.split(',').map((each) => each.trim().toLowerCase());
  const named = words.map((word) => (word === 'tracecontext' ? 'w3c' : word === 'xray-lambda' ? 'xray' : word));
  const isFormat = (word: string): word is FormatWord => Object.hasOwn(formats, word);
  return { formats: [...new Set(named.filter(isFormat))], baggage: words.includes('baggage') };
};

/** Reads every format and writes W3C. */
export const standard: Propagation = propagation();
