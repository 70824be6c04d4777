import type { TraceState } from '@opentelemetry/api';

/**
 * Consistent probability sampling (OpenTelemetry, tracestate handling): a span is kept where the randomness R of its trace is at least
 * the rejection threshold T. Both are 56 bits, here always as 14 lower-case hex digits: these compare as text, exactly and without
 * allocating, where a double is off in the last digits and a bigint costs an object.
 */
export interface OtState {
  readonly threshold: string | undefined;
  readonly randomness: string | undefined;
  /** Members that are neither `th` nor `rv`, as they came. */
  readonly rest: string | undefined;
}

/** Longest value of `ot`; a longer one is not read. */
const maxLength = 256;
const digits = 14;

/** Reads the value of the `ot` member. */
export const readOt = (value: string | undefined): OtState => {
  if (value === undefined || value === '' || value.length > maxLength) return noOt;
  let threshold: string | undefined;
  let randomness: string | undefined;
  let rest: string | undefined;
  for (const member of value.split(';')) {
    if (member.startsWith('th:')) threshold = hexOf(member, 1)?.padEnd(digits, '0');
    else if (member.startsWith('rv:')) randomness = hexOf(member, digits);
    else rest = rest === undefined ? member : `${rest};${member}`;
  }
  return { threshold, randomness, rest };
};

const noOt: OtState = { threshold: undefined, randomness: undefined, rest: undefined };

/** The hex digits after `th:` or `rv:`, at least so many and at most 14. */
const hexOf = (member: string, least: number): string | undefined => {
  const text = member.slice(3);
  if (text.length < least || text.length > digits || !/^[0-9a-fA-F]+$/.test(text)) return undefined;
  return text.toLowerCase();
};

/**
 * Whether R >= T, from the digits as they stand: T begins at `from` in `text` and may be short of trailing zeros, R at `at` in `digitsOfR`.
 * Nothing is cut out or padded, since this is asked for every span.
 */
export const reaches = (text: string, from: number, to: number, digitsOfR: string, at: number): boolean => {
  for (let index = from; index < to; index++) {
    const wanted = text.charCodeAt(index);
    const given = digitsOfR.charCodeAt(at + index - from);
    if (given !== wanted) return given > wanted;
  }
  return true;
};

/**
 * Where the threshold ends in a value that `writeOt` would write again as it is, `th:…` or `th:…;rv:…` and no more: what nearly all parents
 * carry. 0 for every other value.
 */
export const plainThresholdEnd = (value: string): number => {
  if (!value.startsWith('th:')) return 0;
  const end = hexEnd(value, 3);
  const count = end - 3;
  if (count < 1 || count > digits || (count > 1 && value.charCodeAt(end - 1) === zero)) return 0;
  if (end === value.length) return end;
  if (value.length !== end + 4 + digits || !value.startsWith(';rv:', end)) return 0;
  return hexEnd(value, end + 4) === value.length ? end : 0;
};

const zero = 48;
/** Behind the last of the lower-case hex digits that begin at `at`. */
const hexEnd = (text: string, at: number): number => {
  let end = at;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (!((code >= zero && code <= 57) || (code >= 97 && code <= 102))) break;
  }
  return end;
};

/** The value of `ot`; empty when there is nothing to say. Members that find no room are left out from the end. */
export const writeOt = ({ threshold, randomness, rest }: OtState): string => {
  let out = threshold === undefined ? '' : `th:${shortest(threshold)}`;
  if (randomness !== undefined) out += `${out === '' ? '' : ';'}rv:${randomness}`;
  if (rest !== undefined) out += `${out === '' ? '' : ';'}${rest}`;
  while (out.length > maxLength) {
    const last = out.lastIndexOf(';');
    if (last < 0) break;
    out = out.slice(0, last);
  }
  return out;
};

const shortest = (threshold: string): string => {
  let end = threshold.length;
  while (end > 1 && threshold[end - 1] === '0') end -= 1;
  return threshold.slice(0, end);
};

/** T for a rate from 0 to 1; undefined for 0, which no threshold says. */
export const thresholdOf = (rate: number): string | undefined => {
  const threshold = 2n ** 56n - BigInt(Math.round(rate * 2 ** 56));
  return threshold >= 2n ** 56n ? undefined : threshold.toString(16).padStart(digits, '0');
};

/** How many spans a kept one stands for: 1/p. Of a span without a threshold nobody knows; it stands for itself. */
export const adjustedCount = (traceState: string | undefined): number => {
  const threshold = readOt(memberOf(traceState, 'ot')).threshold;
  return threshold === undefined ? 1 : 2 ** 56 / (2 ** 56 - Number.parseInt(threshold, 16));
};

const memberOf = (traceState: string | undefined, key: string): string | undefined => {
  for (const member of traceState?.split(',') ?? []) {
    const trimmed = member.trim();
    if (trimmed.startsWith(`${key}=`)) return trimmed.slice(key.length + 1);
  }
  return undefined;
};

/** A serialised `tracestate` with this `ot` in place of its own, at the front as whatever was changed last. */
export const withOt = (traceState: string | undefined, change: (ot: OtState) => OtState): string => {
  const value = writeOt(change(readOt(memberOf(traceState, 'ot'))));
  const others = (traceState ?? '')
    .split(',')
    .filter((member) => member.trim() !== '' && !member.trim().startsWith('ot='));
  return [...(value === '' ? [] : [`ot=${value}`]), ...others].join(',');
};

/** A `tracestate` of one member, for traces that begin here; it changes as the specification wants it. */
export class OtTraceState implements TraceState {
  readonly #members: readonly (readonly [string, string])[];
  constructor(members: readonly (readonly [string, string])[]) {
    this.#members = members;
  }
  get(key: string): string | undefined {
    return this.#members.find(([name]) => name === key)?.[1];
  }
  set(key: string, value: string): OtTraceState {
    return new OtTraceState([[key, value], ...this.#members.filter(([name]) => name !== key)]);
  }
  unset(key: string): OtTraceState {
    return new OtTraceState(this.#members.filter(([name]) => name !== key));
  }
  serialize(): string {
    return this.#members.map((member) => member.join('=')).join(',');
  }
}

/** An estimate from kept spans, and the interval that holds the true value in 95 of 100 cases. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * How many there were, from the adjusted counts of those that were kept (Horvitz and Thompson 1952), or the sum of `values` over them.
 * The interval is the score interval (Wilson 1927): the variance of independent draws, w (w - 1) for each kept one, is taken in
 * proportion to the total that is tried, since an estimate that is low by chance has a variance that is low as well.
 */
export const estimateTotal = (weights: readonly number[], values?: readonly number[]): Estimate => {
  let certain = 0;
  let drawn = 0;
  let variance = 0;
  for (let at = 0; at < weights.length; at++) {
    const weight = weights[at] as number;
    const each = values === undefined ? 1 : (values[at] as number);
    if (weight <= 1) certain += each;
    else drawn += weight * each;
    variance += weight * (weight - 1) * each * each;
  }
  const scale = drawn === 0 ? 0 : (1.959964 ** 2 * variance) / drawn;
  const middle = certain + drawn + scale / 2;
  const margin = Math.sqrt(scale * drawn + (scale * scale) / 4);
  return { value: certain + drawn, low: middle - margin, high: middle + margin };
};
