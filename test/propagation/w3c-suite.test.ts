/**
 * The cases of the W3C trace-context test suite at its highest levels (specification 2, strictness 2), asked of our propagator over
 * HTTP: a harness posts a request to the service of test/interop/w3c-service.ts and looks at what the service sends on.
 */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, request } from 'node:http';
import { after, before, test } from 'node:test';
import { startService } from '../interop/w3c-service.ts';

const traceId = '12345678901234567890123456789012';
const spanId = '1234567890123456';
const parent = (version = '00', flags = '01', trace = traceId, span = spanId): string =>
  `${version}-${trace}-${span}-${flags}`;
const good = parent();

type Headers = readonly (readonly [name: string, value: string])[];
interface Sent {
  readonly traceId: string;
  readonly spanId: string;
  readonly flags: string;
  /** Members in order, as `[key, value]`; undefined without a header. */
  readonly state: readonly (readonly string[])[] | undefined;
}

let service: Awaited<ReturnType<typeof startService>>;
let harness: { readonly close: () => void; readonly url: string };
let received: IncomingMessage['headersDistinct'][] = [];

before(async () => {
  service = await startService();
  const server = createServer((incoming, answer) => {
    received.push(incoming.headersDistinct);
    incoming.resume();
    incoming.once('end', () => answer.end());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  harness = { close: () => server.close(), url: `http://127.0.0.1:${port}/callback` };
});
after(() => {
  service.server.close();
  harness.close();
});

/** What the service sends on, for each of `count` calls; every `traceparent` of it is held to the grammar. */
const send = async (headers: Headers, count = 1): Promise<Sent[]> => {
  received = [];
  const body = JSON.stringify(Array.from({ length: count }, () => ({ url: harness.url, arguments: [] })));
  const fields = [...headers, ['content-length', String(Buffer.byteLength(body))] as const].flat();
  await new Promise<void>((resolve, reject) => {
    const host = ['host', new URL(service.url).host];
    const outgoing = request(service.url, { method: 'POST', headers: [...host, ...fields] as never }, (answer) => {
      answer.resume();
      answer.once('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${answer.statusCode}`))));
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
  assert.equal(received.length, count);
  return received.map((fields) => {
    assert.equal(fields['traceparent']?.length, 1, 'one traceparent');
    const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(fields['traceparent']?.[0] ?? '');
    assert.ok(match, String(fields['traceparent']));
    const [, trace = '', span = '', flags = ''] = match;
    assert.ok(/[^0]/.test(trace) && /[^0]/.test(span), 'ids that are not zero');
    const state = fields['tracestate']
      ?.join(',')
      .split(',')
      .filter((member) => member.trim() !== '')
      .map((member) => member.trim().split('='));
    return { traceId: trace, spanId: span, flags, state };
  });
};
const one = async (...headers: Headers): Promise<Sent> => (await send(headers))[0] as Sent;

const continues = async (...headers: Headers): Promise<Sent> => {
  const sent = await one(...headers);
  assert.equal(sent.traceId, traceId, JSON.stringify(headers));
  assert.notEqual(sent.spanId, spanId, 'a span of its own');
  return sent;
};
const restarts = async (...headers: Headers): Promise<Sent> => {
  const sent = await one(...headers);
  assert.notEqual(sent.traceId, traceId, JSON.stringify(headers));
  assert.ok(!sent.traceId.startsWith(traceId.slice(0, 16)), 'a trace of its own, not a cut one');
  return sent;
};
const all = async (check: (...headers: Headers) => Promise<Sent>, values: readonly string[]): Promise<void> => {
  for (const value of values) await check(['traceparent', value]);
};
const stateOf = async (...values: readonly string[]) =>
  (await continues(['traceparent', good], ...values.map((value) => ['tracestate', value] as const))).state;
const keeps = async (values: readonly string[], wanted: readonly (readonly string[])[]) =>
  assert.deepEqual(await stateOf(...values), wanted);
const drops = async (...values: readonly string[]) =>
  assert.equal(await stateOf(...values), undefined, values.join('|'));
const numbered = (count: number, from = 1) =>
  Array.from({ length: count }, (_, index) => [`bar${String(index + from).padStart(2, '0')}`, '1'] as const);
const text = (members: readonly (readonly string[])[]) => members.map((member) => member.join('=')).join(',');

const cases: Readonly<Record<string, () => Promise<unknown>>> = {
  'both missing': () => restarts(),
  'traceparent included, tracestate missing': () => continues(['traceparent', good]),
  'traceparent duplicated': () => restarts(['traceparent', parent('00', '01')], ['traceparent', parent('00', '00')]),
  'traceparent header name': async () => {
    await restarts(['trace-parent', good]);
    await restarts(['trace.parent', good]);
  },
  'traceparent header name, valid casing': async () => {
    for (const name of ['TraceParent', 'TrAcEpArEnT', 'TRACEPARENT']) await continues([name, good]);
  },
  'traceparent version 00': async () => {
    await all(restarts, [`${good}.`, `${good}-`, `${good}-what-the-future-will-be-like`, `${good}-01`]);
  },
  'traceparent version cc': async () => {
    await all(continues, [parent('cc'), `${parent('cc')}-`, `${parent('cc')}-what-the-future-will-be-like`]);
    await all(restarts, [`${parent('cc')}.what-the-future-will-be-like`]);
  },
  'traceparent version ff': () => all(restarts, [parent('ff')]),
  'traceparent version, illegal characters': () =>
    all(restarts, [parent('.0'), parent('0.'), parent('0G'), parent('CC')]),
  'traceparent version too long': () => all(restarts, [parent('000'), parent('0000')]),
  'traceparent version too short': () => all(restarts, [parent('0')]),
  'traceparent trace id all zero': () => all(restarts, [parent('00', '01', '0'.repeat(32))]),
  'traceparent trace id, illegal characters': () =>
    all(restarts, [
      parent('00', '01', `.${traceId.slice(1)}`),
      parent('00', '01', `${traceId.slice(1)}.`),
      parent('00', '01', `${traceId.slice(1)}F`),
    ]),
  'traceparent trace id too long': () =>
    all(restarts, [parent('00', '01', `${traceId}3`), parent('00', '01', `${traceId}3456`)]),
  'traceparent trace id too short': () => all(restarts, [parent('00', '01', traceId.slice(1))]),
  'traceparent parent id all zero': () => all(restarts, [parent('00', '01', traceId, '0'.repeat(16))]),
  'traceparent parent id, illegal characters': () =>
    all(restarts, [
      parent('00', '01', traceId, `.${spanId.slice(1)}`),
      parent('00', '01', traceId, `${spanId.slice(1)}.`),
    ]),
  'traceparent parent id too long': () => all(restarts, [parent('00', '01', traceId, `${spanId}7`)]),
  'traceparent parent id too short': () => all(restarts, [parent('00', '01', traceId, spanId.slice(1))]),
  'traceparent flags, illegal characters': () =>
    all(restarts, [parent('00', '.0'), parent('00', '0.'), parent('00', '0A')]),
  'traceparent flags too long': () => all(restarts, [parent('00', '001')]),
  'traceparent flags too short': () => all(restarts, [parent('00', '1')]),
  'traceparent with blanks around it': () =>
    all(continues, [` ${good}`, `\t${good}`, `${good} `, `${good}\t`, `\t ${good} \t`]),
  'tracestate included, traceparent missing': async () => {
    assert.equal((await restarts(['tracestate', 'foo=1'])).state, undefined);
    assert.equal((await restarts(['tracestate', 'foo=1,bar=2'])).state, undefined);
  },
  'both included': async () => {
    await keeps(
      ['foo=1,bar=2'],
      [
        ['foo', '1'],
        ['bar', '2'],
      ],
    );
    await keeps(
      ['bar=2,foo=1'],
      [
        ['bar', '2'],
        ['foo', '1'],
      ],
    );
  },
  'tracestate header name': async () => {
    for (const name of ['trace-state', 'trace.state'])
      assert.equal((await continues(['traceparent', good], [name, 'foo=1'])).state, undefined);
  },
  'tracestate header name, valid casing': async () => {
    for (const name of ['TraceState', 'TrAcEsTaTe', 'TRACESTATE'])
      assert.deepEqual((await continues(['traceparent', good], [name, 'foo=1'])).state, [['foo', '1']]);
  },
  'tracestate empty': async () => {
    await drops('');
    await keeps(['foo=1', ''], [['foo', '1']]);
    await keeps(['', 'foo=1'], [['foo', '1']]);
  },
  'tracestate in several headers': async () => {
    await keeps(
      ['foo=1,bar=2', 'rojo=1,congo=2', 'baz=3'],
      [
        ['foo', '1'],
        ['bar', '2'],
        ['rojo', '1'],
        ['congo', '2'],
        ['baz', '3'],
      ],
    );
  },
  'tracestate duplicated keys': async () => {
    // Either value may be kept, or both.
    for (const values of [['foo=1,foo=1'], ['foo=1,foo=2'], ['foo=1', 'foo=2']]) {
      const state = await stateOf(...values);
      assert.ok(state?.every(([key, value]) => key === 'foo' && (value === '1' || value === '2')));
    }
  },
  'tracestate, all allowed characters': async () => {
    const key = ['abcdefghijklmnopqrstuvwxyz', '0123456789', '_', '-', '*', '/'].join('');
    const value = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))
      .filter((each) => !',='.includes(each))
      .join('');
    await keeps(
      [`${key}=1`, `${key}@a-z0-9_-*/=2`],
      [
        [key, '1'],
        [`${key}@a-z0-9_-*/`, '2'],
      ],
    );
    const sent = await continues(['traceparent', good], ['tracestate', `foo=x${value}`]);
    assert.deepEqual(sent.state, [['foo', `x${value}`]]);
  },
  'tracestate with blanks around it': async () => {
    await keeps(
      ['foo=1 \t , \t bar=2, \t baz=3'],
      [
        ['foo', '1'],
        ['bar', '2'],
        ['baz', '3'],
      ],
    );
    for (const value of [' foo=1', '\tfoo=1', 'foo=1 ', 'foo=1\t', '\t foo=1 \t']) await keeps([value], [['foo', '1']]);
  },
  'tracestate key, illegal characters': async () => {
    for (const key of ['foo ', 'FOO', 'foo.bar', 'foo bar', 'fo\to']) await drops(`${key}=1`, 'bar=2');
  },
  'tracestate key, vendor format of level 2': async () => {
    await drops('@foo=1,bar=2');
    await keeps(
      ['foo@=1,bar=2'],
      [
        ['foo@', '1'],
        ['bar', '2'],
      ],
    );
    await keeps(
      ['foo@@bar=1,bar=2'],
      [
        ['foo@@bar', '1'],
        ['bar', '2'],
      ],
    );
  },
  'tracestate member count': async () => {
    await keeps([text(numbered(10)), text(numbered(22, 11))], numbered(32));
    await drops(text(numbered(33)));
    await drops(text(numbered(10)), text(numbered(23, 11)));
  },
  'tracestate key length': async () => {
    const long = 'z'.repeat(256);
    await keeps(
      [`foo=1,${long}=1`],
      [
        ['foo', '1'],
        [long, '1'],
      ],
    );
    await keeps(
      [`foo=1,${'t'.repeat(241)}@${'v'.repeat(14)}=1`],
      [
        ['foo', '1'],
        [`${'t'.repeat(241)}@${'v'.repeat(14)}`, '1'],
      ],
    );
    await drops(`foo=1,${long}z=1`);
  },
  'tracestate value, illegal characters': async () => {
    await drops('foo=bar=baz');
    await drops('foo=,bar=3');
  },
  'several requests with a valid traceparent': async () => {
    const sent = await send([['traceparent', good]], 3);
    assert.deepEqual(
      sent.map((each) => each.traceId),
      [traceId, traceId, traceId],
    );
    assert.equal(new Set(sent.map((each) => each.spanId)).size, 3);
  },
  'several requests without traceparent': async () => {
    const sent = await send([], 3);
    assert.equal(new Set(sent.map((each) => each.spanId)).size, 3);
  },
  'several requests with an illegal traceparent': async () => {
    const sent = await send([['traceparent', `${good}.`]], 3);
    assert.ok(sent.every((each) => each.traceId !== traceId));
    assert.equal(new Set(sent.map((each) => each.spanId)).size, 3);
  },
  'the random flag of level 2': async () => {
    for (const flags of ['00', '01', '02', '03']) {
      assert.equal(
        (await continues(['traceparent', parent('00', flags)])).flags,
        flags,
        'set stays set, unset stays unset',
      );
    }
    assert.equal(
      (await continues(['traceparent', parent('00', 'ff')])).flags,
      '03',
      'flags of no meaning are not sent on',
    );
    assert.equal((await restarts()).flags, '03', 'a new trace id is random');
  },
};

for (const [name, check] of Object.entries(cases)) test(`W3C: ${name}`, async () => void (await check()));

test('the suite is whole', () => {
  assert.equal(Object.keys(cases).length, 41);
});
