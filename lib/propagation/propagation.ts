import type { Place } from '../model/carrier.ts';
import type { BaggagePolicy, FormatWord, PolicyWord, PropagationConfig } from '../model/config/propagation.ts';
import type { Format } from './format.ts';
import { customFormat } from './formats/custom.ts';
import { formats } from './formats/index.ts';
import { type Names, namesOf } from './lookup.ts';

/** A configuration made ready: what extraction and injection run on. Make it once, outside the handler. */
export interface Propagation {
  /** In order of preference. */
  readonly reads: readonly Format[];
  readonly writes: readonly Format[];
  readonly readsBaggage: boolean;
  readonly writesBaggage: boolean;
  readonly names: Names;
  /** The bits of each format's marks, by its position in `reads`. */
  readonly bits: readonly number[];
  /** Names that make a text worth parsing, besides the standard ones. */
  readonly markers: readonly string[];
  readonly conflictLinks: boolean;
  readonly brokerLinks: boolean;
  readonly rules: Rules;
  readonly rulesBySource: Readonly<Record<string, Rules>>;
  /** Paths as text, kept so that naming a place allocates nothing; grows with the places of the sources, not with messages. */
  readonly paths: Map<Place, string[]>;
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
  const environment = propagators === undefined || propagators.trim() === '' ? undefined : propagatorNames(propagators);
  const all: readonly FormatWord[] = ['custom', 'w3c', 'b3', 'b3multi', 'datadog', 'xray'];
  const reading = config.extract ?? environment?.formats ?? all;
  const writing = config.inject ?? environment?.formats ?? ['w3c'];
  const known = { ...formats, custom: config.custom === undefined ? undefined : customFormat(config.custom) };
  const pick = (words: readonly FormatWord[]): Format[] =>
    [...new Set(words)].flatMap((word) => (Object.hasOwn(known, word) ? (known[word] ?? []) : []));
  const reads = pick(reading);
  const names = namesOf(reads, ['baggage']);
  const rules = rulesOf(config.policy ?? 'continue', undefined, config.baggage ?? 'all');
  return {
    reads,
    writes: pick(writing),
    readsBaggage: environment?.baggage ?? true,
    writesBaggage: environment?.baggage ?? true,
    names,
    bits: reads.map((format) =>
      format.marks.reduce((bits, mark) => bits | (names.all.find(({ spelled }) => spelled === mark)?.bit ?? 0), 0),
    ),
    markers: known.custom?.marks ?? [],
    conflictLinks: config.conflictLinks ?? true,
    brokerLinks: config.brokerLinks ?? false,
    rules,
    rulesBySource: Object.assign(
      Object.create(null),
      Object.fromEntries(
        Object.entries(config.sources ?? {}).map(([name, source]) => [
          name,
          rulesOf(source.policy ?? rules.policy, source.trustedAccounts, source.baggage ?? rules.baggage),
        ]),
      ),
    ),
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

/** What `OTEL_PROPAGATORS` names, in its order. */
export const propagatorNames = (text: string): { formats: FormatWord[]; baggage: boolean; unknown: string[] } => {
  const found: FormatWord[] = [];
  const unknown: string[] = [];
  let baggage = false;
  for (const word of text.split(',').map((each) => each.trim().toLowerCase())) {
    const format = Object.hasOwn(byPropagator, word) ? byPropagator[word] : undefined;
    if (word === 'baggage') baggage = true;
    else if (format !== undefined) found.push(format);
    else if (word !== '' && word !== 'none') unknown.push(word);
  }
  return { formats: [...new Set(found)], baggage, unknown };
};

/** OpenTelemetry's names, and ours for what it has no name for. */
const byPropagator: Readonly<Record<string, FormatWord>> = {
  tracecontext: 'w3c',
  w3c: 'w3c',
  b3: 'b3',
  b3multi: 'b3multi',
  xray: 'xray',
  'xray-lambda': 'xray',
  datadog: 'datadog',
  custom: 'custom',
};

/** Reads every format and writes W3C. */
export const standard: Propagation = propagation();
