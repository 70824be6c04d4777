import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readBaggage } from '../../lib/propagation/baggage.ts';
import { extractFrom } from '../../lib/propagation/extract.ts';

/**
 * What the suites of other tracers ask of B3, X-Ray and baggage, as facts: the carrier, what that suite expects, and where we answer
 * otherwise our answer with the words by which docs/adr/0012 has the difference.
 */
type Case = readonly [carrier: object, theirs: string, ours?: readonly [answer: string, difference: string]];

const T = '4bf92f3577b34da6a3ce929d0e0e4736';
const S = '00f067aa0ba902b7';
const P = '00f067aa0ba90200';
const half = T.slice(16);
const padded = `${'0'.repeat(16)}${half}`;
const b3 = (value: string) => ({ b3: value });
const multi = (traceId: string | undefined, spanId: string | undefined, sampled?: string, more: object = {}) => ({
  ...(traceId === undefined ? {} : { 'x-b3-traceid': traceId }),
  ...(spanId === undefined ? {} : { 'x-b3-spanid': spanId }),
  ...(sampled === undefined ? {} : { 'x-b3-sampled': sampled }),
  ...more,
});
const xray = (value: string) => ({ 'X-Amzn-Trace-Id': value });

const upper = 'B3 and X-Ray ids in upper case';
const alone = 'B3 decision alone';
const oldDebug = 'B3 single of the first draft';
const noParent = 'X-Ray `Root` without `Parent`';
const shortEpoch = 'X-Ray `Root` with a short time';
const open = 'X-Ray with `Sampled=?`, without `Sampled`';

const suites: Readonly<Record<string, readonly Case[]>> = {
  'B3 of opentelemetry-go-contrib': [
    [{}, 'nothing'],
    [multi(T, S), `${T} ${S} ?`],
    [multi(T, S, '0'), `${T} ${S} 0`],
    [multi(T, S, '1'), `${T} ${S} 1`],
    [multi(T, S, 'true'), `${T} ${S} 1`],
    [multi(T, S, 'false'), `${T} ${S} 0`],
    [multi(T, S, undefined, { 'x-b3-flags': '1' }), `${T} ${S} d`],
    [multi(T, S, '1', { 'x-b3-flags': '2' }), `${T} ${S} 1`],
    [multi(T, S, '0', { 'x-b3-flags': '1' }), `${T} ${S} d`],
    [multi(T, S, '1', { 'x-b3-parentspanid': P }), `${T} ${S} 1`],
    [multi(undefined, undefined, '0'), 'nothing', ['only 0', alone]],
    [multi(undefined, undefined, '1'), 'nothing', ['only 1', alone]],
    [multi(half, S), `${padded} ${S} ?`],
    [b3(`${T}-${S}`), `${T} ${S} ?`],
    [b3(`${T}-${S}-0`), `${T} ${S} 0`],
    [b3(`${T}-${S}-1`), `${T} ${S} 1`],
    [b3(`${T}-${S}-d`), `${T} ${S} d`],
    [b3(`${T}-${S}-1-${P}`), `${T} ${S} 1`],
    [b3('0'), 'nothing', ['only 0', alone]],
    [b3(`${half}-${S}`), `${padded} ${S} ?`],
    [{ ...b3(`${T}-${S}-1`), ...multi(T, S, '0') }, `${T} ${S} 1`],
    [{ ...b3(`${T}-${S}-`), ...multi(T, S, '0') }, `${T} ${S} 0`],
    [{ ...b3(`${T}-${S}-1`), ...multi(T, S, 'invalid') }, `${T} ${S} 1`],
    [multi(`${T}00`, S, '1'), 'nothing'],
    [multi(T.slice(2), S, '1'), 'nothing'],
    [multi('ab0000000000', S, '1'), 'nothing'],
    [multi(T, `${S}00`, '1'), 'nothing'],
    [multi(T, S, '10'), 'nothing'],
    [multi(`qw${T.slice(2)}`, S, '1'), 'nothing'],
    [multi(T, `qw${S.slice(2)}`, '1'), 'nothing'],
    [multi(T, S, 'd'), 'nothing'],
    [multi(T.toUpperCase(), S, '1'), 'nothing', [`${T} ${S} 1`, upper]],
    [multi(T, S.toUpperCase(), '1'), 'nothing', [`${T} ${S} 1`, upper]],
    [multi('0'.repeat(32), S, '1'), 'nothing'],
    [multi(T, '0'.repeat(16), '1'), 'nothing'],
    [multi(T, undefined, '1'), 'nothing'],
    [multi(undefined, S, '1'), 'nothing'],
    [b3(`${T}00-${S}-1`), 'nothing'],
    [b3(`${T.slice(2)}-${S}00-1`), 'nothing'],
    [b3(`00-${T}-${S}-01`), 'nothing'],
    [b3(`${T}-${S}-1-${P}00`), 'nothing'],
    [b3(`qw${T.slice(2)}-${S}-1`), 'nothing'],
    [b3(`${T}-qw${S.slice(2)}-1`), 'nothing'],
    [b3(`${T}-${S}-q`), 'nothing'],
    [b3(`${T}-${S}-1-qw${P.slice(2)}`), 'nothing'],
    [b3(`${T.toUpperCase()}-${S}-1`), 'nothing', [`${T} ${S} 1`, upper]],
    [b3(`${T}-${S.toUpperCase()}-1`), 'nothing', [`${T} ${S} 1`, upper]],
    [b3(`${T}-${S}-1-EF00000000000000`), 'nothing', [`${T} ${S} 1`, upper]],
    [b3(`${'0'.repeat(32)}-${'0'.repeat(16)}-1`), 'nothing'],
    [b3(`${T}-${S}-true`), 'nothing'],
  ],
  'B3 single of Brave': [
    [b3(`${half}-${S}-0-${P}`), `${padded} ${S} 0`],
    [b3(`${half}-${S}-1-${P}-1`), `${padded} ${S} d`, ['nothing', oldDebug]],
    [b3(`${half}-${S}-1-1`), `${padded} ${S} d`, ['nothing', oldDebug]],
    [b3(`${half}-${S}-0-0`), `${padded} ${S} 0`, ['nothing', oldDebug]],
    [b3('1-0'), 'only 1', ['nothing', oldDebug]],
    [b3('1-1'), 'only d', ['nothing', oldDebug]],
    [b3('0'), 'only 0'],
    [b3('1'), 'only 1'],
    [b3('d'), 'only d'],
    [b3(`${half}-${S}-0-?`), 'nothing'],
    [b3('1-?'), 'nothing'],
    [b3(`${half.slice(0, 15)}?-${S}`), 'nothing'],
    [b3(`${half}-${S.slice(0, 15)}?`), 'nothing'],
    [b3(`${half}-${S}-${P.slice(0, 15)}?`), 'nothing'],
    [b3('not-a-tumor'), 'nothing'],
    [b3('b970dafd-0d95-40aa-95d8-1d8725aebe40'), 'nothing'],
    ...['', '-', '-1', '1-', half.slice(0, 15), half, `${half}-`, `${half.slice(0, 15)}-${S}`].map(
      (text): Case => [b3(text), 'nothing'],
    ),
    ...[`${half}-${S.slice(0, 15)}`, `${half}-${S}-`, `${half}-${S}-1-`, `${half}-${S}-1-${P.slice(0, 15)}`].map(
      (text): Case => [b3(text), 'nothing'],
    ),
    [b3(`${half}-${S}-${T}${T}`), 'nothing'],
    [b3(`${T}${T}${T}-${S}-${T}`), 'nothing'],
  ],
  'X-Ray of opentelemetry-java-contrib and -go-contrib': [
    [xray(''), 'nothing'],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=1`), `${T} ${S} 1`],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=0`), `${T} ${S} 0`],
    [xray(`Parent=${S};Sampled=1;Root=1-${T.slice(0, 8)}-${T.slice(8)}`), `${T} ${S} 1`],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=1;Foo=Bar`), `${T} ${S} 1`],
    [xray(`Root=abcdefghijklmnopabcdefghijklmnop;Parent=${S};Sampled=0`), 'nothing'],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)}00;Parent=${S};Sampled=0`), 'nothing'],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=abcdefghijklmnop;Sampled=0`), 'nothing'],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S}00;Sampled=0`), 'nothing'],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${'0'.repeat(16)};Sampled=1`), 'nothing'],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=`), 'nothing'],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=10220`), 'nothing'],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=a`), 'nothing'],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S}`), 'nothing', [`${T} ${S} ?`, open]],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=?`), 'nothing', [`${T} ${S} ?`, open]],
    [xray(`Root=1-${T.slice(0, 8)}-${T.slice(8)}`), 'nothing', [`start ${T}`, noParent]],
    [xray(`Root=1-00000000-${T.slice(8)};Parent=${S};Sampled=1`), `00000000${T.slice(8)} ${S} 1`],
    [xray(`Root=1-0-${T.slice(8)};Parent=${S};Sampled=1`), `00000000${T.slice(8)} ${S} 1`, ['nothing', shortEpoch]],
    [xray(`Root=1-1a-${T.slice(8)};Parent=${S};Sampled=1`), `0000001a${T.slice(8)} ${S} 1`, ['nothing', shortEpoch]],
    [xray(`Root=1-${T.slice(0, 8)}11-${T.slice(8)};Parent=${S};Sampled=0`), 'nothing'],
    [xray(`Root=1--${T.slice(8)};Parent=${S};Sampled=0`), 'nothing'],
    [xray(`Root=1-${T.slice(8)};Parent=${S};Sampled=0`), 'nothing'],
    [xray(`Root=2-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=1`), 'nothing'],
    [xray('Root=1-82138-1203123;Parent=53995c3f42cd8ad8;Sampled=1'), 'nothing'],
  ],
};

const told = (carrier: object): string => {
  const { context, start } = extractFrom(carrier);
  if (context !== undefined) {
    const state = context.debug === true ? 'd' : context.deferred === true ? '?' : String(context.flags & 1);
    return `${context.traceId} ${context.spanId} ${state}`;
  }
  if (start?.traceId !== undefined) return `start ${start.traceId}`;
  return start === undefined ? 'nothing' : `only ${start.debug === true ? 'd' : Number(start.sampled)}`;
};

const adr = readFileSync(join(import.meta.dirname, '../../docs/adr/0012-where-other-tracers-are-lenient.md'), 'utf8');

for (const [name, cases] of Object.entries(suites)) {
  test(`answers the cases of ${name}, or says in adr 0012 why not`, () => {
    for (const [carrier, theirs, ours] of cases) {
      assert.equal(told(carrier), ours?.[0] ?? theirs, JSON.stringify(carrier));
      if (ours !== undefined) assert.ok(adr.includes(ours[1]), `'${ours[1]}' is not written down`);
    }
  });
}

const emptyValue = 'baggage member without a value';

/** Header, what opentelemetry-java expects as `key=value;properties` texts, and ours where it differs. */
const baggage: readonly (readonly [header: string, theirs: readonly string[], ours?: readonly string[]])[] = [
  ['', []],
  ['key=value', ['key=value']],
  ['key=value1,key=value2', ['key=value2']],
  ['  key=value1', ['key=value1']],
  ['key     =value1', ['key=value1']],
  ['   =value1', []],
  ['ke y=value1', []],
  ['ke?y=value1', []],
  [
    'ke<y=value1, ;sss,key=value;meta1=value1;meta2=value2,ke(y=value;meta=val ',
    ['key=value;meta1=value1;meta2=value2'],
  ],
  ['  key=  value1', ['key=value1']],
  ['key=value%201', ['key=value 1']],
  ['key=value1      ', ['key=value1']],
  ['key=value1      ;meta1=meta2', ['key=value1;meta1=meta2']],
  ['key1=', [], ['key1=']],
  ['key1=;metakey=metaval', [], ['key1=;metakey=metaval']],
  ['key1=     ', [], ['key1=']],
  ['key=valu e1', []],
  ['key=val\\ue1', []],
  ['key="value"', []],
  ['key=  value1,key1=val', ['key=value1', 'key1=val']],
  ['key=value1      ,key1=val', ['key=value1', 'key1=val']],
  ['key1=,key1=val', ['key1=val']],
  ['key=valu e1,key1=val', ['key1=val']],
  ['key=val\\ue1,key1=val', ['key1=val']],
  ['key=value;metadata-key=value;othermetadata', ['key=value;metadata-key=value;othermetadata']],
  [
    'key1= value1; metadata-key = value; othermetadata, key2 =value2 , key3 =\tvalue3 ; ',
    ['key1=value1;metadata-key = value; othermetadata', 'key2=value2', 'key3=value3'],
  ],
  [
    'key1= v;alsdf;-asdflkjasdf===asdlfkjadsf ,,a sdf9asdf-alue1; metadata-key = value; othermetadata, key2 =value2, key3 =\tvalue3 ; ',
    ['key1=v;alsdf;-asdflkjasdf===asdlfkjadsf', 'key2=value2', 'key3=value3'],
  ],
];

test('answers the baggage cases of opentelemetry-java, or says in adr 0012 why not', () => {
  for (const [header, theirs, ours] of baggage) {
    const found = (readBaggage(header) ?? []).map(
      ({ key, value, properties }) => `${key}=${value}${properties === undefined ? '' : `;${properties}`}`,
    );
    assert.deepEqual(found, ours ?? theirs, JSON.stringify(header));
    if (ours !== undefined) assert.ok(adr.includes(emptyValue), `'${emptyValue}' is not written down`);
  }
});
