import assert from 'node:assert/strict';
import { request } from 'node:http';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Answer, answerReader } from '../../lib/adapters/http1-answer.ts';

/** What is read of pieces, the last of them followed by the end; `broken` where that is no answer. */
const read = (...pieces: readonly (string | Buffer)[]) => {
  const take = answerReader();
  try {
    for (const piece of pieces) {
      const answer = take(Buffer.from(piece as string, 'latin1'));
      if (answer !== undefined) return shown(answer);
    }
    const answer = take(undefined);
    return answer === undefined ? 'unfinished' : shown(answer);
  } catch {
    return 'broken';
  }
};
type Shown = ReturnType<typeof shown>;
const shown = ({ status, headers, body, keepsAlive }: Answer) => ({
  status,
  headers: { ...headers },
  body: body.toString('latin1'),
  keepsAlive,
});
const head = (...lines: readonly string[]) => [...lines, '', ''].join('\r\n');

const good: Readonly<Record<string, [string, ReturnType<typeof read>]>> = {
  'a length': [
    `${head('HTTP/1.1 200 OK', 'Content-Length: 5', 'Retry-After:\t7 ')}hello`,
    { status: 200, headers: { 'content-length': '5', 'retry-after': '7' }, body: 'hello', keepsAlive: true },
  ],
  'chunks, with extensions and trailers': [
    `${head('HTTP/1.1 200 OK', 'Transfer-Encoding: Chunked')}3;a=b\r\nabc\r\n00A \r\n0123456789\r\n0\r\nx: y\r\n\r\n`,
    { status: 200, headers: { 'transfer-encoding': 'Chunked' }, body: 'abc0123456789', keepsAlive: true },
  ],
  'interim answers first': [
    `${head('HTTP/1.1 100 Continue')}${head('HTTP/1.1 103 Early Hints', 'link: x')}${head('HTTP/1.1 503', 'content-length:0')}`,
    { status: 503, headers: { 'content-length': '0' }, body: '', keepsAlive: true },
  ],
  'no content, whatever its headers say': [
    head('HTTP/1.1 204 No Content', 'content-length: 9'),
    { status: 204, headers: { 'content-length': '9' }, body: '', keepsAlive: true },
  ],
  'a body that the end of the connection ends': [
    `${head('HTTP/1.1 200 OK', 'content-type: a/b')}all\r\nof it`,
    { status: 200, headers: { 'content-type': 'a/b' }, body: 'all\r\nof it', keepsAlive: false },
  ],
  'an older version': [
    head('HTTP/1.0 200 OK', 'content-length: 0'),
    { status: 200, headers: { 'content-length': '0' }, body: '', keepsAlive: false },
  ],
  'an older version that keeps the connection': [
    head('HTTP/1.0 200 OK', 'content-length: 0', 'connection: Keep-Alive'),
    { status: 200, headers: { 'content-length': '0', connection: 'Keep-Alive' }, body: '', keepsAlive: true },
  ],
  'a connection that is closed afterwards': [
    head('HTTP/1.1 200 OK', 'content-length: 0', 'connection: x, Close'),
    { status: 200, headers: { 'content-length': '0', connection: 'x, Close' }, body: '', keepsAlive: false },
  ],
  'bytes behind the answer': [
    `${head('HTTP/1.1 200 OK', 'content-length: 1')}ab`,
    { status: 200, headers: { 'content-length': '1' }, body: 'a', keepsAlive: false },
  ],
  'the same length twice': [
    `${head('HTTP/1.1 200 OK', 'content-length: 1', 'content-length: 1')}a`,
    { status: 200, headers: { 'content-length': '1' }, body: 'a', keepsAlive: true },
  ],
};
for (const [name, [text, expected]] of Object.entries(good)) {
  test(`read in one piece and byte by byte: ${name}`, () => {
    assert.deepEqual(read(text), expected);
    const behind = name.startsWith('bytes behind');
    if (!behind) assert.deepEqual(read(...text), expected);
  });
}

const bad: Readonly<Record<string, string>> = {
  'another protocol': head('SSH-2.0-OpenSSH', 'content-length: 0'),
  'another version': head('HTTP/2.0 200 OK', 'content-length: 0'),
  'no status': head('HTTP/1.1 OK', 'content-length: 0'),
  'a status of two digits': head('HTTP/1.1 20 OK', 'content-length: 0'),
  'another protocol from here on': head('HTTP/1.1 101 Switching Protocols', 'upgrade: x'),
  'two lengths': `${head('HTTP/1.1 200 OK', 'content-length: 1', 'content-length: 2')}ab`,
  'a length and chunks': `${head('HTTP/1.1 200 OK', 'content-length: 5', 'transfer-encoding: chunked')}0\r\n\r\n`,
  'a length that is none': `${head('HTTP/1.1 200 OK', 'content-length: -1')}`,
  'another coding': `${head('HTTP/1.1 200 OK', 'transfer-encoding: gzip, chunked')}0\r\n\r\n`,
  'a header without a name': head('HTTP/1.1 200 OK', ': x', 'content-length: 0'),
  'a header without a colon': head('HTTP/1.1 200 OK', 'content-length 0'),
  'a space before the colon': head('HTTP/1.1 200 OK', 'content-length : 0'),
  'a folded header': head('HTTP/1.1 200 OK', 'a: b', ' c', 'content-length: 0'),
  'a size that is none': `${head('HTTP/1.1 200 OK', 'transfer-encoding: chunked')}x\r\n`,
  'a size that is too long': `${head('HTTP/1.1 200 OK', 'transfer-encoding: chunked')}000000001\r\na\r\n0\r\n\r\n`,
  'a chunk that is longer than its size': `${head('HTTP/1.1 200 OK', 'transfer-encoding: chunked')}1\r\nab\r\n0\r\n\r\n`,
  'a body that is cut short': `${head('HTTP/1.1 200 OK', 'content-length: 5')}hell`,
  'chunks that are cut short': `${head('HTTP/1.1 200 OK', 'transfer-encoding: chunked')}1\r\na\r\n`,
  'a head that is cut short': 'HTTP/1.1 200 OK\r\n',
  nothing: '',
};
for (const [name, text] of Object.entries(bad)) {
  test(`refused: ${name}`, () => {
    assert.equal(read(text), 'broken');
    assert.equal(read(...text), 'broken');
  });
}

test('a head of 16 KiB is read, one byte more is not', () => {
  const lines = (bytes: number) => {
    const start = 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\na: ';
    return `${start}${'x'.repeat(bytes - start.length)}\r\n\r\n`;
  };
  assert.equal((read(lines(16_384)) as { status: number }).status, 200);
  assert.equal(read(lines(16_385)), 'broken');
  assert.equal(read('HTTP/1.1 200 OK\r\na: ', 'x'.repeat(20_000)), 'broken');
});

test('64 KiB of a body are kept, and it is read to its end', () => {
  for (const [length, kept] of [
    [65_536, 65_536],
    [65_537, 65_536],
    [1_000_000, 65_536],
  ] as const) {
    const text = `${head('HTTP/1.1 200 OK', `content-length: ${length}`)}${'x'.repeat(length)}`;
    const answer = read(text) as Shown;
    assert.equal(answer.body.length, kept);
    assert.equal(answer.keepsAlive, true);
  }
});

/** As node:http reads it. */
const byNode = (pieces: readonly Buffer[]): Promise<{ status: number; body: string } | 'broken'> =>
  new Promise((settle) => {
    const socket = new Duplex({
      read: () => undefined,
      write: (_bytes, _encoding, done) => done(),
      final: (done) => done(),
    });
    const asked = request({ method: 'POST', createConnection: () => socket }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () =>
        settle({ status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString('latin1') }),
      );
      answer.on('error', () => settle('broken'));
    });
    asked.on('error', () => settle('broken'));
    asked.end();
    for (const piece of pieces) socket.push(piece);
    socket.push(null);
  });

const bodyOf = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const answers = fc
  .record({
    status: fc.constantFrom(200, 202, 400, 413, 429, 503),
    interim: fc.constantFrom('', head('HTTP/1.1 100 Continue')),
    framing: fc.constantFrom('length', 'chunked', 'close'),
    chunks: fc.array(
      bodyOf.filter((each) => each !== ''),
      { maxLength: 5 },
    ),
    value: fc.stringMatching(/^[ -~]{0,40}$/),
  })
  .map(({ status, interim, framing, chunks, value }) => {
    const body = chunks.join('');
    const told = {
      length: `content-length: ${body.length}`,
      chunked: 'Transfer-Encoding: chunked',
      close: 'connection: close',
    }[framing];
    const coded =
      framing === 'chunked'
        ? `${chunks.map((each) => `${each.length.toString(16)}\r\n${each}\r\n`).join('')}0\r\n\r\n`
        : body;
    return {
      text: `${interim}${head(`HTTP/1.1 ${status} Reason`, `x-any: ${value}`, told as string)}${coded}`,
      status,
      body,
    };
  });

test('whatever an answer is and however it is cut, it is read as node:http reads it', async () => {
  await fc.assert(
    fc.asyncProperty(answers, fc.array(fc.nat(600), { maxLength: 8 }), async ({ text, status, body }, cuts) => {
      const bytes = Buffer.from(text, 'latin1');
      const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
      const ours = read(...pieces.filter(({ length }) => length > 0)) as Shown;
      assert.deepEqual({ status: ours.status, body: String(ours.body) }, { status, body });
      assert.deepEqual(await byNode(pieces.filter(({ length }) => length > 0)), { status, body });
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 200) },
  );
});

test('what node:http refuses of a corrupt answer is not taken for another one', async () => {
  await fc.assert(
    fc.asyncProperty(
      answers,
      fc.nat(),
      fc.constantFrom('\0', '\r', '\n', ':', ' ', '0', 'x', ''),
      async (made, nat, char) => {
        const at = nat % made.text.length;
        const text = made.text.slice(0, at) + char + made.text.slice(at + 1);
        const ours = read(text);
        if (ours === 'broken') return;
        const theirs = await byNode([Buffer.from(text, 'latin1')]);
        // We do not look at every byte of a header; what is taken is at least what was sent.
        if (theirs !== 'broken')
          assert.deepEqual({ status: (ours as Shown).status, body: (ours as Shown).body }, theirs);
      },
    ),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 200) },
  );
});

test('bytes of any kind are an answer or refused, and nothing else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ minLength: 1 }), { minLength: 1 }), fc.boolean(), (pieces, begins) => {
      const start = begins ? ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'] : [];
      const outcome = read(...start, ...pieces.map((piece) => Buffer.from(piece)));
      assert.ok(outcome === 'broken' || outcome === 'unfinished' || typeof outcome.status === 'number');
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 300) },
  );
});
