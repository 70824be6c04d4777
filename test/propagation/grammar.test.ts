import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBaggage, writeBaggage } from '../../lib/propagation/baggage.ts';
import { extractFrom } from '../../lib/propagation/extract.ts';
import { customFormat } from '../../lib/propagation/formats/custom.ts';
import { acceptedState } from '../../lib/propagation/formats/w3c.ts';
import { xrayHeader } from '../../lib/propagation/formats/xray.ts';
import { findAny } from '../../lib/propagation/lookup.ts';
import { propagation, propagatorNames } from '../../lib/propagation/propagation.ts';

const T = '0af7651916cd43dd8448eb211c80319c';
const S = 'b7ad6b7169203331';
const other = '1af7651916cd43dd8448eb211c80319c';
const half = T.slice(16);
/** What was found, as `trace span flags`, with `?` for deferred and `d` for debug; `start …` for what is no whole context. */
const found = (carrier: object): string => {
  const { context, start } = extractFrom(carrier);
  if (context !== undefined) {
    return `${context.traceId} ${context.spanId} ${context.flags}${context.deferred ? '?' : ''}${context.debug ? 'd' : ''}`;
  }
  return start === undefined ? 'nothing' : `start ${start.traceId ?? '-'} ${start.sampled ?? '-'}`;
};
const whole = `${T} ${S} 1`;

const cases: Record<string, readonly (readonly [object, string])[]> = {
  'W3C traceparent': [
    [{ traceparent: `00-${T}-${S}-01` }, whole],
    [{ traceparent: `00-${T}-${S}-00` }, `${T} ${S} 0`],
    [{ traceparent: `00-${T}-${S}-03` }, `${T} ${S} 3`],
    [{ traceparent: `00-${T}-${S}-ff` }, `${T} ${S} 3`],
    [{ traceparent: `00-${T}-${S}-01-` }, 'nothing'],
    [{ traceparent: `00-${T}-${S}-01.` }, 'nothing'],
    [{ traceparent: `00-${T}-${S}-01-what` }, 'nothing'],
    [{ traceparent: `cc-${T}-${S}-01` }, whole],
    [{ traceparent: `cc-${T}-${S}-01-what-the-future-will-be-like` }, whole],
    [{ traceparent: `cc-${T}-${S}-01.what` }, 'nothing'],
    [{ traceparent: `ff-${T}-${S}-01` }, 'nothing'],
    [{ traceparent: `.0-${T}-${S}-01` }, 'nothing'],
    [{ traceparent: `0-${T}-${S}-01` }, 'nothing'],
    [{ traceparent: `00-${T.toUpperCase()}-${S}-01` }, 'nothing'],
    [{ traceparent: `00-${T}-${S.toUpperCase()}-01` }, 'nothing'],
    [{ traceparent: `00-${'0'.repeat(32)}-${S}-01` }, 'nothing'],
    [{ traceparent: `00-${T}-${'0'.repeat(16)}-01` }, 'nothing'],
    [{ traceparent: `00-.${T.slice(1)}-${S}-01` }, 'nothing'],
    [{ traceparent: `00-${T}-${S}-.0` }, 'nothing'],
    [{ traceparent: `00-${T}-${S}-0` }, 'nothing'],
    [{ traceparent: `00-${T.slice(1)}\u0130-${S}-01` }, 'nothing'],
    [{ traceparent: [`00-${T}-${S}-01`, `00-${other}-${S}-01`] }, 'nothing'],
    [{ traceparent: `00-${T}-${S}-01`, TraceParent: `00-${other}-${S}-01` }, 'nothing'],
    [{ TrAcEpArEnT: `00-${T}-${S}-01` }, whole],
    [{ __proto__: { traceparent: `00-${T}-${S}-01` } }, 'nothing'],
    [JSON.parse(`{"__proto__":{"traceparent":"00-${T}-${S}-01"}}`), 'nothing'],
  ],
  'B3 single': [
    [{ b3: `${T}-${S}-1` }, whole],
    [{ b3: `${T}-${S}-1-05e3ac9a4f6e3b90` }, whole],
    [{ b3: `${half}-${S}-0` }, `${'0'.repeat(16)}${half} ${S} 0`],
    [{ b3: `${T}-${S}` }, `${T} ${S} 0?`],
    [{ b3: `${T}-${S}-d` }, `${T} ${S} 1d`],
    [{ b3: '0' }, 'start - false'],
    [{ b3: '1' }, 'start - true'],
    [{ b3: 'd' }, 'start - true'],
    [{ b3: '2' }, 'nothing'],
    [{ b3: `${T}-${S}-2` }, 'nothing'],
    [{ b3: `x${T}-${S}-1` }, 'nothing'],
    [{ b3: `${T}-${S}-1-` }, 'nothing'],
    [{ b3: `${T}-${S}-1 ` }, 'nothing'],
    [{ b3: `${T}0-${S}-1` }, 'nothing'],
    [{ b3: `${T}-${S}-1-05e3ac9a4f6e3b9` }, 'nothing'],
    [{ b3: `${'0'.repeat(32)}-${S}-1` }, 'nothing'],
    [{ b3: `${T.toUpperCase()}-${S}-1` }, whole],
    [{ b3: `${T}-` }, 'nothing'],
    [{ b3: 'rubbish', 'x-b3-traceid': T, 'x-b3-spanid': S, 'x-b3-sampled': '1' }, whole],
    [{ b3: `${T}-${S}-1`, 'x-b3-traceid': other, 'x-b3-spanid': S }, whole],
  ],
  'B3 multi': [
    [{ 'X-B3-TraceId': T, 'X-B3-SpanId': S, 'X-B3-Sampled': '1' }, whole],
    [{ 'x-b3-traceid': half, 'x-b3-spanid': S, 'x-b3-sampled': 'false' }, `${'0'.repeat(16)}${half} ${S} 0`],
    [{ 'x-b3-traceid': T, 'x-b3-spanid': S }, `${T} ${S} 0?`],
    [{ 'x-b3-traceid': T, 'x-b3-spanid': S, 'x-b3-flags': '1' }, `${T} ${S} 1d`],
    [{ 'x-b3-traceid': T, 'x-b3-spanid': S, 'x-b3-sampled': '0', 'x-b3-flags': '1' }, `${T} ${S} 1d`],
    [{ 'x-b3-sampled': '0' }, 'start - false'],
    [{ 'x-b3-traceid': 'abcdef0123', 'x-b3-spanid': S }, 'nothing'],
    [{ 'x-b3-traceid': T }, 'nothing'],
    [{ 'x-b3-traceid': T, 'x-b3-spanid': S, 'x-b3-sampled': '-' }, 'nothing'],
    [{ 'x-b3-traceid': [T, other], 'x-b3-spanid': [S, S], 'x-b3-sampled': '1' }, whole],
  ],
  'X-Ray': [
    [{ 'X-Amzn-Trace-Id': xrayHeader({ traceId: T, spanId: S, flags: 1 }) }, whole],
    [{ AWSTraceHeader: `Sampled=1 ; Parent=${S};Root=1-${T.slice(0, 8)}-${T.slice(8)};Lineage=a:1;x=y` }, whole],
    [{ AWSTraceHeader: `Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=?` }, `${T} ${S} 0?`],
    [{ AWSTraceHeader: `Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S}` }, `${T} ${S} 0?`],
    [
      { AWSTraceHeader: `Self=1-5759e988-bd862e3fe1be46a994272793;Root=1-${T.slice(0, 8)}-${T.slice(8)}` },
      `start ${T} -`,
    ],
    [{ AWSTraceHeader: `Root=1-${T.slice(0, 8)}-${T.slice(8)};Sampled=1` }, `start ${T} true`],
    [{ AWSTraceHeader: `${'x=y;'.repeat(90)}Root=1-${T.slice(0, 8)}-${T.slice(8)};Parent=${S};Sampled=1` }, whole],
    [{ AWSTraceHeader: `Root=2-${T.slice(0, 8)}-${T.slice(8)};Parent=${S}` }, 'nothing'],
    [{ AWSTraceHeader: `Root=1-${T};Parent=${S}` }, 'nothing'],
    [{ AWSTraceHeader: `Root=1-00000000-${'0'.repeat(24)};Parent=${S}` }, 'nothing'],
    [{ AWSTraceHeader: `Root=1-00000000-${T.slice(8)};Parent=${S};Sampled=0` }, `00000000${T.slice(8)} ${S} 0`],
  ],
  Datadog: [
    [
      { 'x-datadog-trace-id': '18446744073709551615', 'x-datadog-parent-id': '1', 'x-datadog-sampling-priority': '2' },
      `${'0'.repeat(16)}${'f'.repeat(16)} 0000000000000001 1`,
    ],
    [{ 'x-datadog-trace-id': '18446744073709551616', 'x-datadog-parent-id': '1' }, 'nothing'],
    [
      { 'x-datadog-trace-id': '1', 'x-datadog-parent-id': '0', 'x-datadog-sampling-priority': '-1' },
      `start ${'0'.repeat(31)}1 false`,
    ],
    [
      { 'x-datadog-trace-id': '1', 'x-datadog-parent-id': '2', 'x-datadog-tags': `_dd.p.tid=${'a'.repeat(16)}` },
      `${'a'.repeat(16)}${'0'.repeat(15)}1 0000000000000002 0?`,
    ],
  ],
};

for (const [name, list] of Object.entries(cases)) {
  test(`reads ${name} by the letter`, () => {
    for (const [carrier, wanted] of list) assert.equal(found(carrier), wanted, JSON.stringify(carrier));
  });
}

test('keeps tracestate as it came or drops it whole', () => {
  const members = (count: number) => Array.from({ length: count }, (_, index) => `k${index}=v`).join(',');
  for (const good of [
    'a=1',
    'a=1,b=2',
    ' a=1 \t,\t b=2 ',
    'a=1,,b=2',
    ',a=1',
    'foo@bar=1',
    '0tenant/x*y-z_=1',
    'a= leading',
    members(32),
    `${'k'.repeat(256)}=1`,
    `k=${'v'.repeat(256)}`,
    'a=1,a=2',
  ]) {
    assert.equal(acceptedState(good), good, good);
  }
  for (const bad of [
    '',
    ' ,\t',
    'a',
    'a=',
    '=1',
    'A=1',
    '@a=1',
    'a b=1',
    'a=1=2',
    'a=é',
    'a=\u0001',
    members(33),
    `${'k'.repeat(257)}=1`,
    `k=${'v'.repeat(257)}`,
    'a=1,B=2',
    'foo =1',
  ]) {
    assert.equal(acceptedState(bad), undefined, bad);
  }
  const bad = extractFrom({ traceparent: `00-${T}-${S}-01`, tracestate: 'A=1' });
  assert.equal(bad.context?.traceId, T);
  assert.equal(bad.context?.traceState, undefined);
  const joined = extractFrom({ traceparent: `00-${T}-${S}-01`, tracestate: ['a=1', 'b=2'] });
  assert.equal(joined.context?.traceState, 'a=1,b=2');
});

test('turns losers of another trace into links and says nothing about agreement', () => {
  const carrier = { traceparent: `00-${T}-${S}-01`, b3: `${other}-${S}-0` };
  const { context, links } = extractFrom(carrier);
  assert.equal(context?.traceId, T);
  assert.deepEqual(
    links.map((link) => [link.context.traceId, link.reason, link.format]),
    [[other, 'conflict', 'b3']],
  );
  assert.equal(extractFrom({ ...carrier, b3: `${T}-${S}-0` }).links.length, 0);
  assert.equal(extractFrom({ ...carrier, b3: `${half}-${S}-0` }).links.length, 0, '64 bits of the same trace');
  assert.equal(extractFrom(carrier, propagation({ conflictLinks: false })).links.length, 0);
  assert.equal(extractFrom(carrier, propagation({ extract: ['b3', 'w3c'] })).context?.traceId, other);
});

test('reads a custom format by fields and by functions', () => {
  const read = (config: Parameters<typeof customFormat>[0], carrier: object) =>
    customFormat(config).read(carrier, (value) => String(value), findAny);
  const base64 = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding).toString('base64');
  const seed = { fields: { traceId: 'my_trace_id' }, encoding: 'base64' } as const;
  assert.deepEqual(read(seed, { my_trace_id: base64(`00-${T}-${S}-01`) }), {
    traceId: T,
    spanId: S,
    flags: 1,
    traceState: undefined,
  });
  assert.deepEqual(
    read(seed, { my_trace_id: `00-${T}-${S}-01` }),
    { traceId: T, spanId: S, flags: 1, traceState: undefined },
    'a broker’s reader has decoded it already',
  );
  assert.deepEqual(read(seed, { my_trace_id: base64(T, 'hex') }), { traceId: T });
  assert.deepEqual(read(seed, { my_trace_id: base64(T) }), { traceId: T });
  const pair = {
    fields: { traceId: 'my_trace_id', spanId: 'my_span_id', sampled: 'my_sampled' },
    encoding: 'base64',
  } as const;
  const three = { my_trace_id: base64(T, 'hex'), my_span_id: base64(S, 'hex'), my_sampled: '1' };
  assert.deepEqual(read(pair, three), { traceId: T, spanId: S, flags: 1, traceState: undefined });
  const written: Record<string, string> = {};
  customFormat(pair).write({ traceId: T, spanId: S, flags: 1 }, (name, value) =>
    Object.assign(written, { [name]: value }),
  );
  assert.deepEqual(written, three);
  const own = {
    names: ['trace'],
    decode: ({ trace = '' }) => ({ traceId: trace.slice(0, 16), spanId: S, sampled: false }),
    encode: () => ({}),
  };
  assert.deepEqual(read(own, { trace: half }), {
    traceId: `${'0'.repeat(16)}${half}`,
    spanId: S,
    flags: 0,
    traceState: undefined,
  });
  const throwing = {
    names: ['trace'],
    decode: () => {
      throw new Error('no');
    },
  };
  assert.equal(typeof read(throwing, { trace: 'x' }), 'string');
});

test('reads and writes baggage within its limits, multi-byte values included', () => {
  assert.deepEqual(readBaggage('a=1, b = %E4%BD%A0;p=1 ,bad key=1,c,=2,d='), [
    { key: 'a', value: '1' },
    { key: 'b', value: '你', properties: 'p=1' },
    { key: 'd', value: '' },
  ]);
  const entries = [
    { key: 'name', value: '你好, мир; "=%' },
    { key: 'x', value: '1', properties: 'p' },
  ];
  assert.deepEqual(readBaggage(writeBaggage(entries)), entries);
  assert.deepEqual(readBaggage('a=1,b=2', ['b']), [{ key: 'b', value: '2' }]);
  assert.equal(readBaggage('a=1', 'none'), undefined);
  const many = Array.from({ length: 181 }, (_, index) => `k${index}=v`).join(',');
  assert.equal(readBaggage(many)?.length, 180);
  assert.equal(readBaggage(`a=${'v'.repeat(4094)},b=1`)?.length, 2);
  assert.equal(readBaggage(`a=${'v'.repeat(4095)},b=1`)?.length, 1);
  const eight = `a=${'v'.repeat(4000)},b=${'v'.repeat(4000)},c=${'v'.repeat(184)}`;
  assert.equal(eight.length, 8192);
  assert.equal(readBaggage(eight)?.length, 3);
  assert.equal(readBaggage(`${eight}v`)?.length, 2);
});

test('reads OTEL_PROPAGATORS', () => {
  assert.deepEqual(propagatorNames('tracecontext, baggage,b3multi,xray-lambda,ottrace'), {
    formats: ['w3c', 'b3multi', 'xray'],
    baggage: true,
  });
  assert.deepEqual(propagation({}, 'none').reads, []);
  assert.deepEqual(
    propagation({ extract: ['b3'] }, 'tracecontext').reads.map(({ name }) => name),
    ['b3'],
  );
});
