import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createNetServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test as nodeTest, type TestContext } from 'node:test';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { httpPoster } from '../../lib/adapters/http-post.ts';
import { type OtlpOptions, otlpBackEnd } from '../../lib/adapters/otlp.ts';
import { readPartialSuccess } from '../../lib/adapters/otlp-answer.ts';
import { isBesideUs } from '../../lib/adapters/posting.ts';
import { socketPoster } from '../../lib/adapters/socket-post.ts';
import { jsonEncoder, protobufEncoder } from '../../lib/telemetry/encode.ts';
import { aSpan } from '../support/a-span.ts';
import { decodeOtlpProtobuf } from '../support/decode-otlp.ts';

interface Seen {
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
type Reply = (response: ServerResponse, seen: Seen, at: number) => void;

const listening = async (t: TestContext, server: Server): Promise<number> => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
};

/** An OTLP server that answers as it is told, and remembers what it was asked. */
const receiver = async (t: TestContext, reply: Reply = (response) => response.end()) => {
  const seen: Seen[] = [];
  let connections = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const each = { url: request.url, headers: request.headers, body: Buffer.concat(chunks) };
    seen.push(each);
    reply(response, each, seen.length);
  });
  server.on('connection', () => {
    connections += 1;
  });
  const port = await listening(t, server);
  return { url: `http://127.0.0.1:${port}/v1/traces`, seen, server, connections: () => connections };
};

/** Each test once for every way in which requests leave; they follow each other. */
const test = (name: string, run: (t: TestContext) => void | Promise<void>): void => {
  for (const [way, poster] of Object.entries({ 'node:net': socketPoster, 'node:http': httpPoster })) {
    nodeTest(`${name} (${way})`, (t) => {
      sendBy = poster;
      return run(t);
    });
  }
};
let sendBy: NonNullable<OtlpOptions['poster']> = httpPoster;

const made = (url: string, options: Partial<OtlpOptions> = {}) => {
  const lines: { level: string; message: string; fields: unknown }[] = [];
  const waits: number[] = [];
  const backEnd = otlpBackEnd({
    name: 'otlp',
    url,
    encode: protobufEncoder(),
    contentType: 'application/x-protobuf',
    compression: 'none',
    timeoutMs: 10_000,
    clock: Date.now,
    random: () => 0.5,
    sleep: async (ms) => void waits.push(ms),
    log: (level, message, fields) => void lines.push({ level, message, fields }),
    ...(url.startsWith('https:') ? {} : { poster: sendBy }),
    ...options,
  });
  return { backEnd, lines, waits };
};

const status =
  (...codes: readonly number[]): Reply =>
  (response, _, at) => {
    response.statusCode = codes[Math.min(at, codes.length) - 1] as number;
    response.end();
  };

test('a batch is posted once, in protobuf, with the headers that were given', async (t) => {
  const { url, seen } = await receiver(t);
  const { backEnd, lines } = made(url, { headers: { 'api-key': 'abc' } });
  const spans = [aSpan({ name: 'one' }), aSpan({ name: 'é' })];
  assert.deepEqual(await backEnd.export(spans, 5000), { kept: 2, dropped: {} });
  assert.equal(seen.length, 1);
  assert.equal(seen[0]?.url, '/v1/traces');
  assert.equal(seen[0]?.headers['content-type'], 'application/x-protobuf');
  assert.equal(seen[0]?.headers['api-key'], 'abc');
  assert.equal(seen[0]?.headers['content-encoding'], undefined);
  assert.match(JSON.stringify(decodeOtlpProtobuf(seen[0]?.body as Buffer)), /"name":"é"/);
  assert.deepEqual(lines, []);
});

test('JSON goes out as JSON', async (t) => {
  const { url, seen } = await receiver(t);
  const { backEnd } = made(url, { encode: jsonEncoder(), contentType: 'application/json' });
  await backEnd.export([aSpan({ name: 'é' })], 5000);
  assert.equal(seen[0]?.headers['content-type'], 'application/json');
  assert.equal(JSON.parse(String(seen[0]?.body)).resourceSpans[0].scopeSpans[0].spans[0].name, 'é');
});

for (const [compression, undo] of [
  ['gzip', gunzipSync],
  ['zstd', zstdDecompressSync],
] as const) {
  test(`${compression} is undone to the same request`, async (t) => {
    const { url, seen } = await receiver(t);
    const spans = Array.from({ length: 100 }, () => aSpan());
    await made(url, { compression }).backEnd.export(spans, 5000);
    assert.equal(seen[0]?.headers['content-encoding'], compression);
    assert.deepEqual(undo(seen[0]?.body as Buffer), protobufEncoder()(spans));
  });
}

test('one connection serves one export after the other', async (t) => {
  const { url, connections } = await receiver(t);
  const { backEnd } = made(url);
  for (let each = 0; each < 5; each++) await backEnd.export([aSpan()], 5000);
  assert.equal(connections(), 1);
});

test('a connection that was closed meanwhile costs no span and no wait', async (t) => {
  const { url, server, seen } = await receiver(t);
  const { backEnd, waits } = made(url);
  await backEnd.export([aSpan()], 5000);
  server.closeIdleConnections();
  assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 1, dropped: {} });
  assert.equal(seen.length, 2);
  assert.deepEqual(waits, []);
});

/** A server that answers with bytes, whatever it is asked. */
const rawServer = async (t: TestContext, answer: (socket: Socket, request: number) => void) => {
  let connections = 0;
  let requests = 0;
  const open = new Set<Socket>();
  const server = createNetServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', () => answer(socket, ++requests));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
  return { url, connections: () => connections };
};
const emptyAnswer = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n';

test('what comes unasked on a kept connection ends it, and is no answer to the next request', async (t) => {
  const refusal = 'HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n';
  const { url, connections } = await rawServer(t, (socket, request) => {
    socket.write(emptyAnswer);
    if (request === 1) setTimeout(() => socket.write(refusal), 5);
  });
  const { backEnd } = made(url);
  assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 1, dropped: {} });
  await new Promise((done) => setTimeout(done, 100));
  assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 1, dropped: {} });
  assert.equal(connections(), 2);
});

test('a connection whose answer asks to close it is not used again', async (t) => {
  const { url, connections } = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
  });
  const { backEnd } = made(url);
  for (let each = 0; each < 2; each++) {
    assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 1, dropped: {} });
  }
  assert.equal(connections(), 2);
});

test('what is no HTTP is no answer', async (t) => {
  const { url } = await rawServer(t, (socket) => void socket.write('220 mail.example ESMTP\r\n\r\n'));
  assert.deepEqual(await made(url).backEnd.export([aSpan()], 5000), { kept: 0, dropped: { unavailable: 1 } });
});

test('an answer whose connection breaks before its end is none', async (t) => {
  const { url } = await rawServer(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\npart', () => socket.resetAndDestroy());
  });
  assert.deepEqual(await made(url).backEnd.export([aSpan()], 5000), { kept: 0, dropped: { unavailable: 1 } });
});

test('exports at the same time have a connection each, of which one is kept', async (t) => {
  const { url, seen, connections } = await receiver(t);
  const { backEnd } = made(url);
  const outcomes = await Promise.all([1, 2, 3].map(() => backEnd.export([aSpan()], 5000)));
  assert.deepEqual(outcomes, Array(3).fill({ kept: 1, dropped: {} }));
  await backEnd.export([aSpan()], 5000);
  assert.equal(seen.length, 4);
  assert.equal(connections(), 3);
});

test('megabytes leave whole', async (t) => {
  const { url, seen } = await receiver(t);
  const spans = Array.from({ length: 200 }, () => aSpan({ attributes: { text: '漢'.repeat(10_000) } }));
  assert.deepEqual(await made(url).backEnd.export(spans, 30_000), { kept: 200, dropped: {} });
  assert.deepEqual(seen[0]?.body, protobufEncoder()(spans));
});

test('a header that would end the line is refused, and nothing is sent', async (t) => {
  const { url, seen } = await receiver(t);
  for (const headers of [{ 'api-key': 'a\r\nx: y' }, { 'api key': 'a' }, { 'api-key': 'ключ' }] as Record<
    string,
    string
  >[]) {
    const { backEnd, lines } = made(url, { headers });
    assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 0, dropped: { misconfigured: 1 } });
    assert.ok(!JSON.stringify(lines).includes('x: y'));
  }
  assert.equal(seen.length, 0);
});

test('the query of the endpoint is sent, and a Host header of the user in place of its own', async (t) => {
  const { url, seen } = await receiver(t);
  await made(`${url}?key=a%20b#part`, { headers: { Host: 'collector.example' } }).backEnd.export([aSpan()], 5000);
  assert.equal(seen[0]?.url, '/v1/traces?key=a%20b');
  assert.equal(seen[0]?.headers.host, 'collector.example');
});

for (const code of [429, 502, 503, 504]) {
  test(`${code} is tried again, after waits that double`, async (t) => {
    const { url, seen } = await receiver(t, status(code, code, code, 200));
    const { backEnd, waits, lines } = made(url);
    assert.deepEqual(await backEnd.export([aSpan()], 60_000), { kept: 1, dropped: {} });
    assert.equal(seen.length, 4);
    assert.deepEqual(waits, [150, 300, 600]);
    assert.deepEqual(lines, []);
  });
}

test('five attempts are made, then the spans are given up and counted', async (t) => {
  for (const [code, reason] of [
    [503, 'unavailable'],
    [429, 'throttled'],
  ] as const) {
    const { url, seen } = await receiver(t, status(code));
    assert.deepEqual(await made(url).backEnd.export([aSpan(), aSpan()], 60_000), { kept: 0, dropped: { [reason]: 2 } });
    assert.equal(seen.length, 5);
  }
});

test('a wait is between half and all of its length, never above five seconds', async (t) => {
  for (const [random, expected] of [
    [0, [100, 200, 400, 800]],
    [0.999999, [200, 400, 800, 1600]],
  ] as const) {
    const { url } = await receiver(t, status(503));
    const { backEnd, waits } = made(url, { random: () => random });
    await backEnd.export([aSpan()], 60_000);
    assert.deepEqual(waits.map(Math.round), expected);
  }
});

for (const [code, reason] of [
  [400, 'refused'],
  [401, 'unauthorised'],
  [403, 'unauthorised'],
  [404, 'refused'],
  [500, 'refused'],
  [301, 'refused'],
] as const) {
  test(`${code} is final`, async (t) => {
    const { url, seen } = await receiver(t, (response) => {
      response.writeHead(code, { 'content-type': 'application/json', location: 'http://127.0.0.1:1/' });
      response.end('{"message":"no such tenant"}');
    });
    const { backEnd, lines } = made(url);
    assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 0, dropped: { [reason]: 1 } });
    assert.equal(seen.length, 1);
    assert.match(JSON.stringify(lines), /no such tenant/);
  });
}

test('Retry-After is followed, in seconds and as a date', async (t) => {
  for (const header of ['2', new Date(Date.now() + 2999).toUTCString()]) {
    const { url } = await receiver(t, (response, _, at) => {
      if (at === 1) response.writeHead(503, { 'retry-after': header });
      response.end();
    });
    const { backEnd, waits } = made(url);
    assert.equal((await backEnd.export([aSpan()], 60_000)).kept, 1);
    assert.ok((waits[0] as number) > 1000 && (waits[0] as number) <= 3000, String(waits));
  }
});

test('a Retry-After beyond the deadline is not waited for', async (t) => {
  const { url, seen } = await receiver(t, (response) => {
    response.writeHead(429, { 'retry-after': '30' });
    response.end();
  });
  const { backEnd, waits } = made(url);
  assert.deepEqual(await backEnd.export([aSpan()], 2000), { kept: 0, dropped: { throttled: 1 } });
  assert.equal(seen.length, 1);
  assert.deepEqual(waits, []);
});

test('a back end that never answers costs the deadline and no more', async (t) => {
  const { url } = await receiver(t, () => undefined);
  const started = Date.now();
  assert.deepEqual(await made(url).backEnd.export([aSpan()], 150), { kept: 0, dropped: { timeout: 1 } });
  assert.ok(Date.now() - started < 10_000);
});

test('its own timeout counts when it is shorter than the deadline', async (t) => {
  const { url } = await receiver(t, () => undefined);
  assert.deepEqual(await made(url, { timeoutMs: 100 }).backEnd.export([aSpan()], 60_000), {
    kept: 0,
    dropped: { timeout: 1 },
  });
});

test('a connection that breaks is tried again', async (t) => {
  const { url, seen } = await receiver(t, (response, _, at) => {
    if (at === 1) response.destroy();
    else response.end();
  });
  assert.deepEqual(await made(url).backEnd.export([aSpan()], 5000), { kept: 1, dropped: {} });
  assert.equal(seen.length, 2);
});

test('a collector that nobody asked for and that is not there is mentioned once, and left alone for a minute', async () => {
  let now = 1e12;
  const { backEnd, lines, waits } = made('http://127.0.0.1:9/v1/traces', { optional: true, clock: () => now });
  assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 0, dropped: { 'no-collector': 1 } });
  assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 0, dropped: { 'no-collector': 1 } });
  now += 61_000;
  assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 0, dropped: { 'no-collector': 1 } });
  assert.deepEqual(
    lines.map(({ level }) => level),
    ['info'],
  );
  assert.deepEqual(waits, []);
});

test('one that was asked for is tried again', async () => {
  const { backEnd, waits } = made('http://127.0.0.1:9/v1/traces');
  assert.deepEqual(await backEnd.export([aSpan()], 60_000), { kept: 0, dropped: { unreachable: 1 } });
  assert.equal(waits.length, 4);
});

const response = protobuf
  .parse(
    `syntax = "proto3";
   message Response { Partial partial_success = 1; }
   message Partial { int64 rejected_spans = 1; string error_message = 2; }`,
  )
  .root.lookupType('Response');

test('a partial success is counted and logged, in JSON and in protobuf', async (t) => {
  const answers: readonly [string, Uint8Array][] = [
    ['application/json', Buffer.from('{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too old"}}')],
    [
      'application/x-protobuf',
      response.encode({ partialSuccess: { rejectedSpans: 2, errorMessage: 'too old' } }).finish(),
    ],
  ];
  for (const [type, body] of answers) {
    const { url } = await receiver(t, (each) => {
      each.writeHead(200, { 'content-type': type });
      each.end(body);
    });
    const { backEnd, lines } = made(url);
    assert.deepEqual(await backEnd.export([aSpan(), aSpan(), aSpan()], 5000), { kept: 1, dropped: { rejected: 2 } });
    assert.match(JSON.stringify(lines), /too old/);
  }
});

test('a warning in an answer rejects nothing, and an empty one says nothing', async (t) => {
  const { url } = await receiver(t, (each, _, at) => {
    each.writeHead(200, { 'content-type': 'application/json' });
    each.end(at === 1 ? '{"partialSuccess":{"errorMessage":"deprecated"}}' : '{}');
  });
  const { backEnd, lines } = made(url);
  assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 1, dropped: {} });
  assert.equal(lines.length, 1);
  assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 1, dropped: {} });
  assert.equal(lines.length, 1);
});

test('an answer of any bytes is read without a throw, and rejects nothing below zero', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.constantFrom('application/json', 'application/x-protobuf', ''), (body, type) => {
      const { rejected, message } = readPartialSuccess(body, type);
      assert.ok(rejected >= 0 && typeof message === 'string');
    }),
    { numRuns: 2000 },
  );
});

test('a request that is too large is halved until it fits; a single span that does not is given up', async (t) => {
  const { url, seen } = await receiver(t, (each, { body }) => {
    each.statusCode = body.length > 2000 ? 413 : 200;
    each.end();
  });
  const spans = [...Array.from({ length: 40 }, () => aSpan()), aSpan({ name: 'x'.repeat(3000) })];
  assert.deepEqual(await made(url).backEnd.export(spans, 5000), { kept: 40, dropped: { 'too-large': 1 } });
  assert.ok(seen.length > 3);
});

test('each attempt is signed, body and all, as AWS has it', async (t) => {
  const { url, seen } = await receiver(t, status(503, 200));
  const credentials = {
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    sessionToken: 'token',
  };
  const env = {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken,
  };
  let now = Date.parse('2026-01-01T00:00:00Z');
  const { backEnd } = made(url, {
    clock: () => (now += 1000),
    sign: { service: 'xray', region: 'eu-central-1', env },
  });
  await backEnd.export([aSpan()], 60_000);
  assert.equal(seen.length, 2);
  assert.notEqual(seen[0]?.headers['x-amz-date'], seen[1]?.headers['x-amz-date']);
  for (const { headers, body } of seen) {
    const signer = new SignatureV4({
      credentials,
      region: 'eu-central-1',
      service: 'xray',
      sha256: Sha256,
      applyChecksum: false,
    });
    const date = String(headers['x-amz-date']);
    const signed = await signer.sign(
      {
        method: 'POST',
        protocol: 'http:',
        hostname: '127.0.0.1',
        path: '/v1/traces',
        query: {},
        headers: { host: String(headers.host), 'content-type': 'application/x-protobuf' },
        body,
      },
      { signingDate: new Date(date.replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5')) },
    );
    assert.equal(headers.authorization, signed.headers['authorization']);
    assert.equal(headers['x-amz-security-token'], 'token');
  }
});

class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer);
  }
  update(data: string | ArrayBuffer | ArrayBufferView) {
    this.#hash.update(data as Buffer);
  }
  async digest() {
    return new Uint8Array(this.#hash.digest());
  }
  reset() {}
}

test('without credentials nothing is sent, and it is said why', async (t) => {
  const { url, seen } = await receiver(t);
  const { backEnd, lines } = made(url, { sign: { service: 'xray', region: 'x', env: {} } });
  assert.deepEqual(await backEnd.export([aSpan()], 5000), { kept: 0, dropped: { misconfigured: 1 } });
  assert.equal(seen.length, 0);
  assert.match(JSON.stringify(lines), /no AWS credentials/);
});

test('https with an authority and a client certificate of its own', async (t) => {
  const tls = join(import.meta.dirname, '../support/tls');
  const file = (name: string) => readFileSync(join(tls, name));
  const server = createTlsServer(
    {
      key: file('server.key'),
      cert: file('server.pem'),
      ca: file('ca.pem'),
      requestCert: true,
      rejectUnauthorized: true,
    },
    (request, each) => {
      request.resume();
      each.end();
    },
  );
  const port = await listening(t, server as unknown as Server);
  const url = `https://localhost:${port}/v1/traces`;
  const paths = { ca: join(tls, 'ca.pem'), cert: join(tls, 'client.pem'), key: join(tls, 'client.key') };
  assert.deepEqual(await made(url, { tls: paths }).backEnd.export([aSpan()], 5000), { kept: 1, dropped: {} });
  assert.equal((await made(url, { tls: { ca: paths.ca } }).backEnd.export([aSpan()], 5000)).kept, 0);
  const missing = made(url, { tls: { ca: '/nowhere/ca.pem' } });
  assert.deepEqual(await missing.backEnd.export([aSpan()], 5000), { kept: 0, dropped: { internal: 1 } });
  assert.match(JSON.stringify(missing.lines), /nowhere/);
});

test('headers that must be fetched are asked for at each request, also after a failure', async (t) => {
  const { url, seen } = await receiver(t);
  let asked = 0;
  const { backEnd } = made(url, {
    headers: async () => {
      asked += 1;
      if (asked === 1) throw new Error('not yet');
      return { 'Api-Key': `key ${asked}` };
    },
  });
  assert.equal((await backEnd.export([aSpan()], 5000)).kept, 0);
  await backEnd.export([aSpan()], 5000);
  await backEnd.export([aSpan()], 5000);
  assert.deepEqual(
    seen.map(({ headers }) => headers['api-key']),
    ['key 2', 'key 3'],
  );
});

for (const refusal of [401, 403]) {
  test(`a rotated secret is asked for anew after ${refusal}, once a minute at most, and no span is lost`, async (t) => {
    let valid = 'first';
    let now = 0;
    const { url, seen } = await receiver(t, (response, { headers }) => {
      response.statusCode = headers['api-key'] === valid ? 200 : refusal;
      response.end();
    });
    let kept = 'first';
    let readings = 0;
    const { backEnd } = made(url, {
      clock: () => now,
      headers: async (fresh) => {
        if (fresh) {
          readings += 1;
          kept = valid === 'lost' ? 'third' : valid;
        }
        return { 'api-key': kept };
      },
    });
    const none = { kept: 0, dropped: { unauthorised: 1 } };
    const all = { kept: 1, dropped: {} };
    assert.deepEqual(await backEnd.export([aSpan()], 5000), all);
    valid = 'second';
    assert.deepEqual(await backEnd.export([aSpan()], 5000), all);
    assert.equal(seen.length, 3);
    valid = 'lost';
    assert.deepEqual(await backEnd.export([aSpan()], 5000), none);
    now = 59_999;
    assert.deepEqual(await backEnd.export([aSpan()], 5000), none);
    assert.equal(readings, 1);
    now = 60_000;
    assert.deepEqual(await backEnd.export([aSpan()], 5000), none);
    assert.equal(readings, 2);
    valid = 'third';
    assert.deepEqual(await backEnd.export([aSpan()], 5000), all);
  });
}

nodeTest('a Collector beside the function gets a POST over a socket, everything else one by node:http(s)', () => {
  for (const [each, isBeside] of [
    ['http://127.0.0.1:4318/v1/traces', true],
    ['HTTP://Localhost:4318/v1/traces', true],
    ['http://[::1]:4318/v1/traces', true],
    ['http://localhost/v1/traces', true],
    ['https://localhost:4318/v1/traces', false],
    ['http://127.0.0.1.example.com/v1/traces', false],
    ['http://localhost.example.com:4318/v1/traces', false],
    ['http://collector:4318/v1/traces', false],
  ] as const) {
    assert.equal(isBesideUs(each), isBeside, each);
  }
});
