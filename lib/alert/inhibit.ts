import type { InhibitConfig } from '../model/config/routing.ts';
import { type Labels, type Matcher, matchesAll, writeLabels } from '../model/matchers.ts';
import { readMatchers } from './route.ts';

/** An inhibition rule, ready to be asked. */
export interface InhibitRule {
  readonly source: readonly Matcher[];
  readonly target: readonly Matcher[];
  readonly equal: readonly string[];
}

export const inhibitRules = (configs: readonly InhibitConfig[] = []): readonly InhibitRule[] =>
  configs.map(({ source, target, equal = [] }, at) => ({
    source: readMatchers(source, `alerts.inhibit[${at}].source`),
    target: readMatchers(target, `alerts.inhibit[${at}].target`),
    equal,
  }));

/** Under which keys an alert stands as the source of inhibitions: one for each rule that it matches. */
export const sourceKeys = (rules: readonly InhibitRule[], labels: Labels): readonly string[] =>
  rules.flatMap((rule) => (matchesAll(rule.source, labels) ? [keyOf(rule, labels)] : []));

/** Where the sources are found that could inhibit an alert, and which of them count. */
export const targetKeys = (
  rules: readonly InhibitRule[],
  labels: Labels,
): readonly { readonly key: string; readonly counts: (source: Labels) => boolean }[] =>
  rules.flatMap((rule) => {
    if (!matchesAll(rule.target, labels)) return [];
    // An alert that matches both sides is not inhibited by another that does: neither would ever be told.
    const isTwoSided = matchesAll(rule.source, labels);
    return [{ key: keyOf(rule, labels), counts: (source: Labels) => !(isTwoSided && matchesAll(rule.target, source)) }];
  });

/** A label that both lack is agreed on: missing and empty are the same. */
const keyOf = ({ source, target, equal }: InhibitRule, labels: Labels): string =>
  JSON.stringify([
    source.map(({ name, op, value }) => name + op + value),
    target.map(({ name, op, value }) => name + op + value),
    writeLabels(Object.fromEntries(equal.map((name) => [name, labels[name] ?? '']))),
  ]);
