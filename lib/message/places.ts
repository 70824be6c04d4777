import { stateMachineHeaders } from '#tidemark.step-functions';
import type { Place } from '../model/carrier.ts';
import { at, brokerText, indexed, jsonText, stringAt } from './text.ts';

/** Names that services give to an object which holds the context, the usual ones first. */
const wrappers = [
  'metadata',
  'headers',
  'Metadata',
  'Headers',
  '_otel',
  'otel',
  'trace',
  'traceContext',
  'trace_context',
  'tracing',
  'carrier',
  'context',
  'meta',
  'attributes',
  'properties',
  'messageAttributes',
  'MessageAttributes',
  'userProperties',
];

/** Where services put context in a JSON object: under `_trace`, flat, under `metadata`, `headers` and the like, or in Datadog's wrapper. */
export const jsonPlaces = <Entry>(path: string, object: (entry: Entry) => object | undefined): Place<Entry>[] => {
  const under = (name: string): Place<Entry> => ({
    path: path === '' ? name : `${path}.${name}`,
    values: (entry) => wrapped(object(entry), name),
    text: jsonText,
  });
  return [
    under('_trace'),
    { path, values: object, text: jsonText },
    ...wrappers.map(under),
    {
      path: path === '' ? '_datadog' : `${path}._datadog`,
      values: (entry) => datadogOf(object(entry)),
      text: jsonText,
    },
  ];
};

/** Datadog's wrapper among attributes or headers: a JSON text in `_datadog`. */
export const datadogPlace = <Entry>(
  path: string,
  values: (entry: Entry) => object | undefined,
  text: (value: unknown) => string | undefined,
): Place<Entry> => ({
  path: `${path}._datadog`,
  values: (entry) => {
    const value = (values(entry) as { readonly _datadog?: unknown } | undefined)?._datadog;
    if (value === undefined) return undefined;
    const json = text(value);
    return json === undefined ? undefined : parsedObject(json);
  },
  text: jsonText,
});

/** A JSON text of header size as an object. Never throws. */
export const parsedObject = (text: string): object | undefined => {
  if (text.length > 16384 || !text.trimStart().startsWith('{')) return undefined;
  try {
    return JSON.parse(text) as object;
  } catch {
    return undefined;
  }
};

/** Headers as one map, where there is one object per header in a list or an index object; names may repeat. A map is given back as it is. */
export const headerMap = (headers: object): object => {
  const list = Array.isArray(headers) ? headers : indexed(headers);
  if (list === undefined || (list.length > 0 && typeof list[0] !== 'object')) return headers;
  const map: Record<string, unknown> = Object.create(null);
  for (const header of list.slice(0, maxHeaders)) {
    if (typeof header !== 'object' || header === null) continue;
    const pairs = pairOf(header) ?? Object.entries(header);
    for (const [name, value] of pairs)
      map[name] = name in map ? `${brokerText(map[name])},${brokerText(value)}` : value;
  }
  return map;
};

/** The pairs of client libraries: `{key, value}`, `{name, value}`, `{Name, Value}`, `[name, value]`. */
const pairOf = (header: object): [string, unknown][] | undefined => {
  if (Array.isArray(header)) return typeof header[0] === 'string' ? [[header[0], header[1]]] : [];
  const key = stringAt(header, 'key') ?? stringAt(header, 'name') ?? stringAt(header, 'Name');
  const value = at(header, 'value') ?? at(header, 'Value');
  return key === undefined || value === undefined ? undefined : [[key, value]];
};

const maxHeaders = 256;

const wrapped = (object: object | undefined, name: string): object | undefined => {
  const value = at(object, name);
  if (typeof value === 'string') return parsedObject(value) ?? headerOf(value);
  if (typeof value !== 'object' || value === null) return undefined;
  return Array.isArray(value) ? headerMap(value) : value;
};

/** A header by itself: X-Ray's is known by its `Root=`, W3C's by its length and dashes. */
export const headerOf = (text: string): object | undefined => {
  if (text.startsWith('Root=')) return { 'X-Amzn-Trace-Id': text };
  return text.length >= 55 && text[2] === '-' && text[35] === '-' ? { traceparent: text } : undefined;
};

/** The wrapper itself, or the latest of the checkpoints that durable functions number. */
const datadogOf = (object: object | undefined): object | undefined => {
  const own = wrapped(object, '_datadog');
  if (own !== undefined) return stateMachineHeaders(own) ?? own;
  if (object === undefined) return undefined;
  let latest = -1;
  for (const key in object) {
    if (!key.startsWith('_datadog_')) continue;
    const number = Number(key.slice(9));
    if (Number.isInteger(number) && number > latest) latest = number;
  }
  return latest < 0 ? undefined : wrapped(object, `_datadog_${latest}`);
};
