import type { Attributes, Scope, Span } from '../model/span.ts';

export interface ResourceGroup {
  readonly resource: Attributes;
  readonly scopes: readonly ScopeGroup[];
}

export interface ScopeGroup {
  readonly scope: Scope;
  readonly spans: Span[];
}

/** Spans by resource and by scope, in the order in which these are first met. */
export const grouped = (spans: readonly Span[]): readonly ResourceGroup[] => {
  const byObject = new Map<Attributes, Group>();
  const byContent = new Map<string, Group>();
  let last: Group | undefined;
  for (const span of spans) {
    // Nearly always one resource object for the whole batch.
    if (last?.resource !== span.resource) last = byObject.get(span.resource);
    if (last === undefined) {
      const content = contentOf(span.resource);
      last = byContent.get(content) ?? { resource: span.resource, scopes: [] };
      byContent.set(content, last);
      byObject.set(span.resource, last);
    }
    place(last, span);
  }
  return [...byContent.values()];
};

interface Group {
  readonly resource: Attributes;
  readonly scopes: ScopeGroup[];
}

const place = ({ scopes }: Group, span: Span): void => {
  const { scope = own } = span;
  const { name, version } = scope;
  const found = scopes.find((each) => each.scope.name === name && each.scope.version === version);
  if (found === undefined) scopes.push({ scope, spans: [span] });
  else found.spans.push(span);
};

const own: Scope = { name: 'tidemark' };

/** Its text: only a key to compare by. */
const contentOf = (resource: Attributes): string =>
  JSON.stringify(resource, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
