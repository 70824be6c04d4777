import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readBaggage, writeBaggage } from '../../lib/propagation/baggage.ts';
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

const X = `Root=1-${T.slice(0, 8)}-${T.slice(8)}`;
const F = 'f'.repeat(32);
const f = 'f'.repeat(16);
/** Made wrong in one part each, as the suite of OpenTelemetry JS does it for `traceparent` and for the ids of B3. */
const wrong = [
  `00-${F}`,
  `0x-${F}-${f}-00`,
  `0-${F}-${f}-00`,
  `000-${F}-${f}-00`,
  `00--${f}-01`,
  `00-${F.slice(1)}x-${f}-01`,
  `00-${'0'.repeat(32)}-${f}-01`,
  `00-ffffffff-${f}-01`,
  `00-${F}00-${f}-01`,
  `00-${F}--01`,
  `00-${F}-${f.slice(1)}x-01`,
  `00-${F}-${'0'.repeat(16)}-01`,
  `00-${F}-ffffffff-01`,
  `00-${F}-${f}0000-01`,
];
const tp = `00-${T}-${S}-01`;

const javascript: typeof suites = {
  'B3 of opentelemetry-js': [
    [multi(T, S), `${T} ${S} ?`],
    [multi(T, S, '1'), `${T} ${S} 1`],
    [multi(T, S, undefined, { 'x-b3-sampled': true }), `${T} ${S} 1`],
    [multi(T, S, undefined, { 'x-b3-sampled': false }), `${T} ${S} 0`],
    [multi(T, S, undefined, { 'x-b3-flags': '1' }), `${T} ${S} d`],
    ...['0', 'false', 'true', '3'].flatMap((flags): Case[] => [
      [multi(T, S, '1', { 'x-b3-flags': flags }), `${T} ${S} 1`],
      [multi(T, S, '0', { 'x-b3-flags': flags }), `${T} ${S} 0`],
    ]),
    [multi(undefined, S), 'nothing'],
    [multi(T, undefined), 'nothing'],
    [multi(T, S, '2'), 'nothing'],
    [multi('invalid!', S), 'nothing'],
    [multi(undefined, S, '1', { 'x-b3-traceid': [T] }), `${T} ${S} 1`],
    ...[...wrong, `00-${F}-${f}-00-01`].map((text): Case => [multi(text, undefined), 'nothing']),
    ...[...wrong, `00-${F}-${f}-00-01`].map((text): Case => [multi(text, S), 'nothing']),
    [multi(half, S, '1'), `${padded} ${S} 1`],
    [{ 'x-b3-traceid': 1, 'x-b3-spanid': 1, b3: 1 }, 'nothing'],
    [{ 'x-b3-traceid': [], 'x-b3-spanid': [], b3: [] }, 'nothing'],
    [b3(`${T}-${S}-1-${P}`), `${T} ${S} 1`],
    [b3(`${T}-${S}-d`), `${T} ${S} d`],
    [b3('abc123-e457b5a2e4d86bd1'), 'nothing'],
    [b3(`${T}-abc123`), 'nothing'],
    [b3(`${'0'.repeat(32)}-${S}`), 'nothing'],
    [b3(`${T}-${'0'.repeat(16)}`), 'nothing'],
  ],
  'Trace Context of opentelemetry-js': [
    [{ traceparent: tp }, `${T} ${S} 1`],
    [{ traceparent: `cc${tp.slice(2)}` }, `${T} ${S} 1`],
    [{ traceparent: `cc${tp.slice(2)}-what-the-future-will-be-like` }, `${T} ${S} 1`],
    [{ traceparent: `cc${tp.slice(2)}.what-the-future-will-not-be-like` }, 'nothing'],
    [{ traceparent: `ff${tp.slice(2)}` }, 'nothing'],
    [{ traceparent: 'invalid!' }, 'nothing'],
    [{ traceparent: `${tp}-extra` }, 'nothing'],
    [{ traceparent: [tp] }, `${T} ${S} 1`],
    ...wrong.map((text): Case => [{ traceparent: text }, 'nothing']),
    [{ traceparent: 1 }, 'nothing'],
    [{ traceparent: [] }, 'nothing'],
    [{ traceparent: undefined }, 'nothing'],
  ],
  'X-Ray of opentelemetry-js-contrib': [
    [{}, 'nothing'],
    [{ 'X-AMZN-TRACE-ID': `${X};Parent=${S};Sampled=1;Foo=Bar` }, `${T} ${S} 1`],
    [{ 'X-Amzn-Trace-Id': [`${X};Parent=${S};Sampled=1`] }, `${T} ${S} 1`],
    [xray(`Root=1*${T.slice(0, 8)}+${T.slice(8)};Parent=${S};Sampled=1;Foo=Bar`), 'nothing'],
    [xray(`Root=1-abcdefgh-ijklmnopabcdefghijklmnop;Parent=${S};Sampled=0`), 'nothing'],
    ...['100:e3b0c442:11', '', '::', '1::', '1::1', '1:badc0de:13', ':fbadc0de:13', '65535:fbadc0de:255'].map(
      (lineage): Case => [xray(`${X};Parent=${S};Sampled=1;Lineage=${lineage}`), `${T} ${S} 1`],
    ),
  ],
  // Longer than any header that a tracer writes: their suites ask that nothing breaks, and what stands beside it is read.
  'headers of more than 16,000 characters': ['x', '0', '-', ',', ';', '=', ' ', 'é', T].flatMap((unit): Case[] => {
    const long = unit.repeat(Math.ceil(16_001 / unit.length));
    return [
      [{ traceparent: long }, 'nothing'],
      [{ traceparent: `${tp}-${long}` }, 'nothing'],
      [{ traceparent: `cc${tp.slice(2)}-${long}` }, `${T} ${S} 1`],
      [{ traceparent: tp, tracestate: long, baggage: long }, `${T} ${S} 1`],
      [b3(long), 'nothing'],
      [{ ...b3(`${T}-${S}-1-${long}`), ...multi(T, S, '0') }, `${T} ${S} 0`],
      [multi(long, S), 'nothing'],
      [multi(T, long), 'nothing'],
      [xray(long), 'nothing'],
      [xray(`${X};Parent=${S};Sampled=1;Foo=${long}`), 'nothing'],
      [{ 'x-datadog-trace-id': long, 'x-datadog-tags': long }, 'nothing'],
    ];
  }),
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

for (const [name, cases] of Object.entries({ ...suites, ...javascript })) {
  test(`answers the cases of ${name}, or says in adr 0012 why not`, () => {
    for (const [carrier, theirs, ours] of cases) {
      assert.equal(told(carrier), ours?.[0] ?? theirs, JSON.stringify(carrier).slice(0, 300));
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

const badState = '`tracestate` with a bad member, or 33';
const items = (count: number) => Array.from({ length: count }, (_, each) => `a${each}=${each}`).join(',');

/** Header, what OpenTelemetry JS keeps of it, and ours where it differs. */
const states: readonly (readonly [header: string | string[], theirs: string | undefined, ours?: 'dropped'])[] = [
  ['foo=bar,baz=qux', 'foo=bar,baz=qux'],
  [['foo=bar,baz=qux', 'quux=quuz'], 'foo=bar,baz=qux,quux=quuz'],
  ['foo=1 \t , \t bar=2, \t baz=3 ', 'foo=1 \t , \t bar=2, \t baz=3 '],
  ['vendorname2=opaqueValue2,vendorname1=opaqueValue1', 'vendorname2=opaqueValue2,vendorname1=opaqueValue1'],
  [`a=${'b'.repeat(512)}`, undefined],
  ['a=1,b,c=3', 'a=1,c=3', 'dropped'],
  ['a=1=', undefined],
  ['a-b=1,c/d=2,p*q=3,x_y=4', 'a-b=1,c/d=2,p*q=3,x_y=4'],
  ['a=1,foo=bar baz', 'a=1,foo=bar baz'],
  [items(32), items(32)],
  [items(33), items(32), 'dropped'],
  [`invalid.prefix.key=1,${items(32)},invalid.suffix.key=1`, items(32), 'dropped'],
];

test('answers the tracestate cases of opentelemetry-js, or says in adr 0012 why not', () => {
  for (const [tracestate, theirs, ours] of states) {
    const { context } = extractFrom({ traceparent: tp, tracestate });
    assert.equal(context?.traceId, T);
    assert.equal(context?.traceState, ours === undefined ? theirs : undefined, String(tracestate));
    if (ours !== undefined) assert.ok(adr.includes(badState), `'${badState}' is not written down`);
  }
});

test('answers the baggage cases of opentelemetry-js, or says in adr 0012 why not', () => {
  const entry = (key: string, value: string, properties?: string) => ({
    key,
    value,
    ...(properties === undefined ? {} : { properties }),
  });
  assert.equal(
    writeBaggage([
      entry('key1', 'd4cda95b652f4a1592b449d5929fda1b'),
      entry('with/slash', 'with spaces'),
      entry('spaced', 'with spaces'),
      entry('key4', 'foo', 'key4prop1=value1;key4prop2=value2;key4prop3WithNoValue'),
    ]),
    'key1=d4cda95b652f4a1592b449d5929fda1b,spaced=with%20spaces,key4=foo;key4prop1=value1;key4prop2=value2;key4prop3WithNoValue',
  );
  assert.ok(adr.includes('baggage keys that are no tokens'));
  const long = 'v'.repeat(4000);
  const short = entry('aa', 'shortvalue');
  assert.equal(writeBaggage([short, entry('k'.repeat(95), long)]), `aa=shortvalue,${'k'.repeat(95)}=${long}`);
  assert.equal(writeBaggage([short, entry('k'.repeat(96), long)]), 'aa=shortvalue');
  const two = [entry('0'.repeat(48), long), entry('1'.repeat(49), long)];
  assert.equal(writeBaggage([...two, entry('aa', 'v'.repeat(88))]).length, 8192);
  assert.equal(writeBaggage([...two, entry('aa', 'v'.repeat(89))]).length, 8100);
  const many = Array.from({ length: 200 }, (_, each) => entry(String(each), 'v'));
  assert.equal(writeBaggage(many).split(',').length, 180);

  const four = [entry('key1', 'd4cda95b=='), entry('key3', 'c88815a7'), entry('keyn', 'valn'), entry('keym', 'valm')];
  const header = 'key1=d4cda95b==,key3=c88815a7, keyn   = valn';
  for (const baggage of [`${header}, keym =valm`, [`${header}, keym =valm`], [header, 'keym =valm']]) {
    assert.deepEqual(extractFrom({ traceparent: tp, baggage }).baggage, four);
  }
  assert.deepEqual(readBaggage('key1=d4cda95b,key3=c88815a7;prop1=value1'), [
    entry('key1', 'd4cda95b'),
    entry('key3', 'c88815a7', 'prop1=value1'),
  ]);
  for (const bad of ['289371298nekjh2939299283jbk2b', 'key1:value;key2=value2', 'key1:value;;key2=value2']) {
    assert.equal(readBaggage(bad), undefined, bad);
  }
  assert.deepEqual(readBaggage('key1:value,key2=value2'), [entry('key2', 'value2')]);
});
