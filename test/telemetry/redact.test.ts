import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Span } from '../../lib/model/span.ts';
import { redactor } from '../../lib/telemetry/redact.ts';
import { aSpan } from '../support/a-span.ts';
import { aCard, aJwt, aMobile, anEmail, anIban, aResidentId, aSecretKey, personal } from './personal.ts';
import { core, places, spellings } from './written.ts';

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 400);
const all = redactor({});
const hmac = (message: string) => createHmac('sha256', 'key').update(message).digest();

/** A text in every field that may hold one. */
const filled = (text: string): Span => ({
  ...aSpan({
    name: `GET ${text}`,
    status: 2,
    statusMessage: `failed for ${text}`,
    attributes: {
      note: text,
      list: ['a', text, ['deep', text]],
      map: { inner: text, [`name of ${text}`]: [{ deeper: { deepest: text } }, null, 7n, true] },
      bytes: Buffer.from(`in bytes: ${text}`),
      [`key of ${text}`]: 1,
    },
    events: [{ name: `event ${text}`, timeNanos: 5n, attributes: { 'exception.message': `no ${text} here` } }],
    links: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16), attributes: { to: `(${text})` } }],
    traceState: 'ot=th:8',
  }),
  resource: { 'service.name': 'shop', 'host.note': text, tags: { owner: text } },
});

const textOf = (span: Span): string =>
  JSON.stringify(span, (_, value: unknown) => {
    if (typeof value === 'bigint') return `${value}`;
    // Buffers have become their JSON by now.
    const { type, data } = Object(value) as { readonly type?: unknown; readonly data?: number[] };
    return type === 'Buffer' && data !== undefined ? Buffer.from(data).toString('latin1') : value;
  });

for (const [kind, arbitrary] of Object.entries(personal)) {
  test(`lets no generated ${kind} out of any field of a span, whatever stands around it`, () => {
    const around = fc.constantFrom('', ' ', ', ', '"', '：', '（', '/', '=', '\\n', '%20', '用户');
    const check = fc.property(arbitrary, around, around, (value, before, after) => {
      const text = `${before}${value}${after === '%20' || after === '用户' || after === '/' ? ' ' : after}`;
      const out = textOf(all.span(filled(text)));
      const digits = value.replace(/[^0-9A-Za-z@.]/g, '');
      assert.ok(!out.includes(value), `${value} came out of ${out}`);
      assert.ok(!out.replace(/[^0-9A-Za-z@.]/g, '').includes(digits), `${digits} came out of ${out}`);
    });
    fc.assert(check, { numRuns });
  });
}

for (const [kind, arbitrary] of Object.entries(personal)) {
  test(`lets no ${kind} out however it is spelt and wherever it stands`, () => {
    const spelt = fc.constantFrom(...Object.entries(spellings));
    const placed = fc.constantFrom(...Object.entries(places));
    fc.assert(
      fc.property(arbitrary, spelt, placed, (value, [spelling, spell], [where, place]) => {
        // In a URL the `#` of such an escape begins its fragment.
        fc.pre(!(/HTML|XML/.test(spelling) && /URL|path|request/.test(where)));
        const text = place(spell(value));
        const out = all.text(text);
        assert.ok(!core(out).includes(core(value)), `${text} became ${out}`);
      }),
      { numRuns: numRuns * 4 },
    );
  });
}

test('touches nothing that is not personal', () => {
  const hex = (length: number) =>
    fc
      .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
      .map((digits) => digits.join(''));
  const harmless = fc.oneof(
    hex(32),
    hex(40),
    hex(64),
    fc.uuid(),
    fc.ipV4(),
    fc.ipV6(),
    fc.tuple(fc.nat(99), fc.nat(99), fc.nat(999)).map((parts) => parts.join('.')),
    fc
      .date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((at) => at.toISOString()),
    // Times in seconds, milliseconds, microseconds and nanoseconds.
    fc
      .integer({ min: 1_000_000_000, max: 2_100_000_000 })
      .chain((at) => fc.constantFrom('', '000', '123456', '123456789').map((rest) => `${at}${rest}`)),
    fc.integer({ min: 0, max: 999_999_999 }).map(String),
    // A whole number of so many digits may be that of a card.
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map(String)
      .filter((text) => !/^-?\d{13,19}$/.test(text)),
    fc.constantFrom(
      'arn:aws:sqs:eu-central-1:123456789012:orders',
      'arn:aws:lambda:us-east-1:123456789012:function:shop:17',
      '1-67891233-abcdef012345678912345678',
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'opentelemetry@1.9.1',
      '@aws-sdk/client-sqs@3.1169.0',
      'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
      'getty@tty1.service',
      'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      '2026-11-24T19:27:36+08:00',
      '2026-11-24 19:27:36.123 +0800',
      'https://example.com/orders/12345678/items',
      'GET /v1/users/{id}',
      'java.lang.String@1b6d3586',
      '100%25 of 12%2034%2056',
      'a&#10;b &#169; \\u00e9 \\x1b[0m',
      '120+340+560',
      'delta +61/18/8358',
      'GET /static/js/main.4f3c2b1a.chunk.js',
      'n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=',
      'HTTP 200 404 5000',
      'v1.2.3+20130313144700',
      '0.13812345678',
      '20261124192736',
      'us-east-1a',
      '订单已发货',
    ),
  );
  fc.assert(
    fc.property(harmless, (text) => {
      // The sentence of `filled` with two texts side by side must stay the same object.
      const span = filled(text);
      assert.equal(all.span(span), span, text);
    }),
    { numRuns: numRuns * 4 },
  );
  const numbers = aSpan({
    attributes: { a: 1_732_476_456_123, b: 1_732_476_456_123_456, c: 13_812_345_678, d: -1.5, e: true },
  });
  assert.equal(all.span(numbers), numbers);
});

test('takes the number of a card away that was recorded as a number', () => {
  assert.deepEqual(all.attributes({ card: 4111111111111111 }), { card: '[card]' });
});

test('checks checksums: one digit more or less is an ordinary number', () => {
  for (const [good, bad] of [
    ['4111 1111 1111 1111', '4111 1111 1111 1112'],
    ['11010519491231002X', '110105194912310021'],
    ['GB82 WEST 1234 5698 7654 32', 'GB83 WEST 1234 5698 7654 32'],
  ] as const) {
    assert.notEqual(all.text(good), good);
    assert.equal(all.text(bad), bad);
  }
});

test('takes a name, a password and the values of parameters out of URLs, and keeps what it is told to', () => {
  const keeping = redactor({ allowQuery: ['page'] });
  assert.equal(
    keeping.text('see https://jane:s3cret@shop.example/a?page=2&email=x&flag#k=v then'),
    'see https://REDACTED@shop.example/a?page=2&email=REDACTED&REDACTED#k=REDACTED then',
  );
  assert.deepEqual(all.attributes({ 'url.query': 'a=1&b=2', 'http.target': '/x?a=1', 'url.path': '/x' }), {
    'url.query': 'a=REDACTED&b=REDACTED',
    'http.target': '/x?a=REDACTED',
    'url.path': '/x',
  });
  assert.equal(redactor({ urls: false }).text('https://a.example/?q=1'), 'https://a.example/?q=1');
});

test('takes literals out of SQL, in every quoting, and keeps names, parameters and numbers in names', () => {
  const sql = (text: string, system = 'postgresql') =>
    all.attributes({ 'db.query.text': text, 'db.system.name': system })['db.query.text'];
  assert.equal(
    sql(`SELECT "name" FROM t1 WHERE a = 'O''Neil' AND b IN (1, 2.5e-3, 0xFF) AND c = $1 AND d = :id`),
    `SELECT "name" FROM t1 WHERE a = ? AND b IN (?, ?, ?) AND c = $1 AND d = :id`,
  );
  assert.equal(sql('SELECT "x" FROM `t`', 'mysql'), 'SELECT ? FROM `t`');
  assert.equal(sql("SELECT $$it's$$, $a$b$a$, N'x', E'y' -- jane\n, /* bob */ 2"), 'SELECT ?, ?, ?, ? --\n, /**/ ?');
  // Where dialects differ nothing after it is trusted.
  assert.equal(sql("WHERE a = 'x\\' OR b = 'secret'"), 'WHERE a = ?');
  assert.equal(sql("WHERE a = 'never ended"), 'WHERE a = ?');
  assert.deepEqual(all.attributes({ 'db.query.parameter.0': 'jane' }), { 'db.query.parameter.0': 'REDACTED' });
});

test('removes every key that an allow-list does not name, and keeps the name of the service', () => {
  const only = redactor({ allowKeys: ['http.route', 'messaging.*'] });
  const span = only.span(
    aSpan({
      attributes: { 'http.route': '/a', 'messaging.system.name': 'aws.sqs', 'new.thing': 'x' },
      resource: { 'service.name': 'shop', 'host.name': 'h' },
      events: [{ name: 'e', timeNanos: 1n, attributes: { 'http.route': '/b', other: 1 } }],
      links: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16), attributes: { other: 1 } }],
    } as Partial<Span>),
  );
  assert.deepEqual(span.attributes, { 'http.route': '/a', 'messaging.system.name': 'aws.sqs' });
  assert.deepEqual(span.resource, { 'service.name': 'shop' });
  assert.deepEqual(span.events[0]?.attributes, { 'http.route': '/b' });
  assert.deepEqual(span.links[0]?.attributes, {});
  assert.deepEqual(redactor({ allowKeys: [] }).attributes({ a: 1 }), {});
});

test('replaces what stands under the name of a secret, unless it is a number', () => {
  assert.deepEqual(
    all.attributes({
      'http.request.header.authorization': ['Basic abc'],
      'db.password': 'x',
      'x-api-key': 'y',
      'gen_ai.usage.input_tokens': 12,
      'llm.token.count': 7,
      passwordless: 'yes',
    }),
    {
      'http.request.header.authorization': ['REDACTED'],
      'db.password': 'REDACTED',
      'x-api-key': 'REDACTED',
      'gen_ai.usage.input_tokens': 12,
      'llm.token.count': 7,
      passwordless: 'yes',
    },
  );
  assert.deepEqual(redactor({ blockKeys: ['user.*'] }).attributes({ 'user.id': 7 }), { 'user.id': 'REDACTED' });
});

test('gives the same value the same token, however it is spelt, and another one under another key', () => {
  const tokens = redactor({}, { hmac });
  assert.equal(tokens.text('Jane@Example.com'), tokens.text('jane%40example.com'));
  assert.equal(tokens.text('+86 138-1234-5678'), tokens.text('13812345678'));
  assert.equal(tokens.text('4111-1111-1111-1111'), tokens.text('4111111111111111'));
  assert.equal(tokens.text('4111%201111%201111%201111'), tokens.text('4111111111111111'));
  assert.equal(tokens.text('jane%2540example.com'), tokens.text('jane@example.com'));
  assert.match(tokens.text('jane@example.com'), /^email:[a-p]{16}$/);
  assert.notEqual(tokens.text('jane@example.com'), tokens.text('john@example.com'));
  const other = redactor({}, { hmac: (message) => createHmac('sha256', 'other').update(message).digest() });
  assert.notEqual(other.text('jane@example.com'), tokens.text('jane@example.com'));
  // What was redacted is left alone the second time.
  const once = tokens.text('a jane@example.com, 13812345678 and 4111111111111111');
  assert.equal(tokens.text(once), once);
});

test('replaces what own patterns match, all of it', () => {
  const own = redactor({ patterns: { orderNumber: 'ORD-[0-9]{4,8}' } });
  assert.equal(own.text('ORD-12345678 and ORD-12'), '[orderNumber] and ORD-12');
  assert.throws(() => redactor({ patterns: { bad: '(?=x)' } }), /patterns\.bad/);
});

test('knows the forms in which people write them', () => {
  const gone = (text: string, kind: string) => assert.equal(all.text(text), `[${kind}]`, text);
  for (const text of ['(010)62345678', '(0571) 8888 8888', '021 6234 5678', '010-62345678', '0571-8888888'])
    gone(text, 'phone');
  for (const text of ['１３８１２３４５６７８', '138 1234 5678', '＋86 13812345678']) gone(text, 'phone');
  for (const text of ['110105 19491231 002X', '110105-19491231-002x', '１１０１０５１９４９１２３１００２Ｘ'])
    gone(text, 'residentId');
  for (const text of ['gb82 west 1234 5698 7654 32', 'gb82west12345698765432', 'DE89-3704-0044-0532-0130-00'])
    gone(text, 'iban');
  for (const text of ['4111.1111.1111.1111', '４１１１１１１１１１１１１１１１']) gone(text, 'card');
  gone('jane＠example.com', 'email');
  for (const text of ['jane%2540example.com', 'jane\\u0040example.com', 'jane&#64;example.com', 'jane%40example%2Ecom'])
    gone(text, 'email');
  for (const text of ['4111%201111%201111%201111', '4111+1111+1111+1111', '4111\u00a01111\u00a01111\u00a01111'])
    gone(text, 'card');
  for (const text of ['%2B1%20987%20358%207681', '+49–151–12345678', '%2528415%2529%20555-2671']) gone(text, 'phone');
  assert.equal(all.text('jane@shop.example-2026'), '[email]-2026');
  assert.equal(all.text("LIKE '%820000197001017264%'"), "LIKE '%[residentId]%'");
  assert.equal(all.text(`key/${'aB3'.repeat(14).slice(0, 40)}`), 'key/[awsKey]');
  assert.equal(all.text(`AKIAIOSFODNN7EXAMPLE/${'aB3'.repeat(14).slice(0, 40)}/x`), '[awsKey]/[awsKey]/x');
  // Base64 puts its marks anywhere: first ones, and a separator before them that is no part of the key.
  for (const marks of ['', '+', '++', '+++', '/+/+/']) {
    const key = `${marks}${'aB3'.repeat(14)}`.slice(0, 40);
    gone(key, 'awsKey');
    assert.equal(all.text(`GET /${key}`), 'GET /[awsKey]');
    assert.equal(all.text(`(${key}/)`), '([awsKey]/)');
  }
  // Alike, and something else.
  for (const text of [
    '00000000-0300-1847-8000-000000000000',
    '110105 19491231 0021',
    '110106-19491231-002X',
    'de89 some more text that goes on and on',
    'gb82west12345698765433',
    '4111.1111.1111.1112',
    '021 6234 567',
    'ｈｅｌｌｏ',
  ]) {
    assert.equal(all.text(text), text);
  }
  const tokens = redactor({}, { hmac });
  assert.equal(tokens.text('１３８１２３４５６７８'), tokens.text('13812345678'));
  assert.notEqual(tokens.text('１３８１２３４５６７８'), tokens.text('１３８１２３４５６７９'));
  assert.equal(tokens.text('110105 19491231 002X'), tokens.text('11010519491231002x'));
});

test('takes queries out of paths in any text, and secrets out of keys of any spelling', () => {
  assert.equal(all.text('GET /users?email=x&page=2 failed'), 'GET /users?email=REDACTED&page=REDACTED failed');
  for (const text of ['what/why? a=b', 'is it?', '/path', '/a?', '/a?b', 'x?y=1', 'a /b c?d=1'])
    assert.equal(all.text(text), text);
  assert.deepEqual(
    all.attributes({ userPassword: 'x', accessToken: 'y', clientSecret: 'z', tokenizer: 'gpt', key: { apiKey: 'k' } }),
    {
      userPassword: 'REDACTED',
      accessToken: 'REDACTED',
      clientSecret: 'REDACTED',
      tokenizer: 'gpt',
      key: { apiKey: 'REDACTED' },
    },
  );
});

test('redacts baggage on its way out', () => {
  const only = redactor({ allowKeys: ['tenant', 'mail'] });
  assert.deepEqual(
    only.baggage([
      { key: 'tenant', value: 'a' },
      { key: 'mail', value: 'jane@example.com' },
      { key: 'other', value: 'x' },
    ]),
    [
      { key: 'tenant', value: 'a' },
      { key: 'mail', value: '[email]' },
    ],
  );
});

test('answers for anything at all, changes nothing the second time, and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
      const once = all.text(text);
      assert.equal(all.text(once), once);
    }),
    { numRuns: numRuns * 4 },
  );
  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        '@',
        '.',
        '-',
        ' ',
        '+',
        '(',
        ')',
        'eyJ',
        'AKIA',
        '%40',
        '%2B',
        '"',
        '1',
        '4111',
        '://',
        '?',
        '=',
        '\\',
      ),
      anEmail,
      aMobile,
      aCard,
      anIban,
      aResidentId,
      aJwt,
      aSecretKey,
    ),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(pieces, (parts) => {
      const once = all.text(parts.join(''));
      assert.equal(typeof once, 'string');
    }),
    { numRuns: numRuns * 4 },
  );
});

test('takes a MiB of hostile text in linear time: eight times the text costs no more than some sixteen times the work', () => {
  const hostile = [
    'a',
    '@',
    'a@',
    '"@',
    'a@a.',
    '1',
    '1-',
    '1 ',
    '4111 ',
    '+1 ',
    '+',
    '(415) ',
    'eyJ',
    'eyJ-',
    'eyJaaaaaaa.',
    'eyJaaaaaaa.eyJ-',
    'AKIA',
    'DE89',
    'DE89 ',
    'aA1/',
    '://',
    'a://b?',
    'a://@',
    '%40',
    'a%40',
    '%2B1',
    '%2540',
    '%25',
    '\\u0040',
    '&#64;',
    '&#0000064',
    'a@b.c1 ',
    'a@b.c-',
    '\\n1',
    "'",
    '138-1234-',
    '0.',
  ];
  const own = redactor({ patterns: { a: '(a|aa)*b', b: '(a*)*c', c: '[0-9]+[0-9]+x', d: '(x+x+)+y' } });
  for (const piece of hostile) {
    const small = piece.repeat(Math.ceil(8192 / piece.length));
    const large = piece.repeat(Math.ceil(65_536 / piece.length));
    const run = (text: string) => {
      const start = process.cpuUsage().user;
      own.text(text);
      own.attributes({ 'db.query.text': text, 'url.query': text });
      return process.cpuUsage().user - start;
    };
    run(small);
    // The best of three: a neighbour on the machine costs time, too.
    const best = (text: string) => Math.min(run(text), run(text), run(text));
    const ratio = best(large) / Math.max(best(small), 2000);
    // Quadratic work would be 64 times as much.
    assert.ok(ratio < 32, `${piece}: ${ratio.toFixed(1)} times the work for eight times the text`);
  }
  own.text('a'.repeat(1_048_576));
});
