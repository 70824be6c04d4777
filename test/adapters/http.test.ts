import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { guardedHttp, type HttpOptions } from '../../lib/adapters/http.ts';
import { addressKind } from '../../lib/adapters/public-address.ts';
import { Failure } from '../../lib/model/failure.ts';

/** The IANA special-purpose registries line by line: the first and last address of every block, and the neighbours that are public. */
const registry4 = `
0.0.0.0 0.255.255.255 | 10.0.0.0 10.255.255.255 | 100.64.0.0 100.127.255.255 | 127.0.0.0 127.255.255.255
169.254.0.0 169.254.255.255 | 172.16.0.0 172.31.255.255 | 192.0.0.0 192.0.0.255 | 192.0.2.0 192.0.2.255
192.31.196.0 192.31.196.255 | 192.52.193.0 192.52.193.255 | 192.88.99.0 192.88.99.255 | 192.168.0.0 192.168.255.255
192.175.48.0 192.175.48.255 | 198.18.0.0 198.19.255.255 | 198.51.100.0 198.51.100.255 | 203.0.113.0 203.0.113.255
224.0.0.0 239.255.255.255 | 240.0.0.0 255.255.255.255`;
const registry6 = `
:: ::1 | ::ffff:0:0 ::ffff:7fff:ffff | 64:ff9b:1:: 64:ff9b:1:ffff:ffff:ffff:ffff:ffff | 100:: 100::ffff:ffff:ffff:ffff
100:0:0:1:: 100:0:0:1:ffff:ffff:ffff:ffff | 2001:1:: 2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff | 2001:1::1 2001:1::3
2001:2:: 2001:2:0:ffff:ffff:ffff:ffff:ffff | 2001:3:: 2001:4:112:: | 2001:10:: 2001:3f:ffff:ffff:ffff:ffff:ffff:ffff
2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff | 2620:4f:8000:: 2620:4f:8000:ffff:ffff:ffff:ffff:ffff
3fff:: 3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff | 5f00:: 5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff
fc00:: fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff | fe80:: febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff
fec0:: feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff | ff00:: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff`;
const addressesIn = (text: string) => text.split(/[\s|]+/).filter((each) => each !== '');

test('no address of the special-purpose registries is public, at either end of its block, in any embedding', () => {
  const v4 = addressesIn(registry4);
  assert.equal(v4.length, 36);
  const hex = (address: string) => {
    const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
    return [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)] as const;
  };
  const turned = (group: string) => (Number.parseInt(group, 16) ^ 0xffff).toString(16);
  for (const address of v4) {
    const [high, low] = hex(address);
    for (const form of [
      address,
      `::ffff:${address}`,
      `::FFFF:${high}:${low}`,
      `0:0:0:0:0:ffff:${high}:${low}`,
      `::${address}`,
      `::ffff:0:${address}`,
      `64:ff9b::${address}`,
      `64:ff9b::${high}:${low}`,
      `64:ff9b:1::${address}`,
      `2002:${high}:${low}::1`,
      `2001:0:808:808::${turned(high)}:${turned(low)}`,
      `2a00:1::5efe:${address}`,
      `2a00:1::200:5efe:${high}:${low}`,
      `2001:0:${high}:${low}::${turned('808')}:${turned('808')}`,
    ])
      assert.notEqual(addressKind(form), 'public', form);
  }
  for (const address of addressesIn(registry6)) assert.notEqual(addressKind(address), 'public', address);
});

test('what must never be reached is special, so that no list lets it in; networks of one’s own are private', () => {
  for (const special of [
    '127.0.0.1',
    '169.254.169.254',
    '169.254.170.2',
    '169.254.170.23',
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:169.254.169.254',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::',
    'fd00:ec2::254',
    'fd00:ec2::23',
    'fe80::1',
    'fe80::1%eth0',
    '::1%lo',
    '4000::1',
    '64:ff9b:1::808:808',
    'localhost',
    '127.1',
    '0x7f.1',
    '',
    '1.2.3.4.5',
  ])
    assert.equal(addressKind(special), 'special', special);
  for (const own of [
    '10.0.0.1',
    '172.16.0.1',
    '192.168.1.1',
    '100.64.0.1',
    'fc00::1',
    'fd12::1',
    '::ffff:10.0.0.1',
    '64:ff9b::10.0.0.1',
  ])
    assert.equal(addressKind(own), 'private', own);
});

test('the public neighbours of special blocks are public', () => {
  for (const open of addressesIn(`1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255
    169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
    198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0 223.255.255.255 2000::1 2001:200::1 2001:db7:ffff::1 2001:db9::1 2003::1
    2606:4700::1111 2620:4f:7fff::1 3ffe::1 3fff:1000::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1 2001:0:808:808::f7f7:f7f7 2a00:1::5efe:8.8.8.8 2a00:1::5eff:7f00:1`))
    assert.equal(addressKind(open), 'public', open);
});

const answers =
  (...addresses: string[]) =>
  async (): Promise<LookupAddress[]> =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
const send = (url: string, options: HttpOptions = {}) =>
  guardedHttp({ timeoutMs: 300, ...options })({ method: 'POST', url, body: 'x' });

test('every spelling of an inner address in a URL is refused before anything is sent', async () => {
  const never = async () => assert.fail('nothing is to be resolved');
  for (const host of [
    '127.0.0.1:9001',
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '017700000001',
    '127.0.0.1.',
    '１２７.0.0.1',
    '①②⑦.⓪.⓪.①',
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.254.170.2',
    '0',
    '0.0.0.0',
    '255.255.255.255',
    '10.0.0.1',
    '3232235777',
    '[::]',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:a9fe:a9fe]',
    '[64:ff9b::169.254.169.254]',
    '[2002:7f00:1::]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '[::127.0.0.1]',
    '[::ffff:0:127.0.0.1]',
    '[0000:0000:0000:0000:0000:0000:0000:0001]',
    '[2001:0:7f00:1::f7f7:f7f7]',
    '[2a00:1::5efe:127.0.0.1]',
    '127。0。0。1',
    '0x7f.1',
    '0x7F.0x0.0x0.0x1',
    '00000000177.0.0.1',
    '%31%32%37.0.0.1',
    '127.0.0.1%2e',
  ])
    await assert.rejects(
      send(`https://${host}/2018-06-01/runtime/invocation/next`, { resolve: never }),
      /refused: .*(not public|port)/,
      host,
    );
});

test('one bad address among the answers refuses the name, wherever it stands', async () => {
  for (const bad of [
    '10.0.0.1',
    '127.0.0.1',
    '169.254.169.254',
    'fd00:ec2::254',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
  ])
    for (const all of [[bad], ['1.1.1.1', bad], [bad, '1.1.1.1'], ['1.1.1.1', '2606:4700::1111', bad]])
      await assert.rejects(
        send('https://a.example/', { resolve: answers(...all) }),
        /refused: a\.example: resolves to an address that is not public/,
        String(all),
      );
  await assert.rejects(send('https://a.example/', { resolve: answers() }), /not-found: a\.example: has no address/);
  await assert.rejects(
    send('https://a.example/', {
      resolve: async () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' })),
    }),
    /not-found: a\.example: cannot be resolved: ENOTFOUND/,
  );
});

test('what is listed may be private and on another port; what is special may not, however it is listed', async () => {
  // A network that is let in is tried: the connection fails or takes too long, since nobody is there.
  const isTried = async (url: string, allowTargets: string[], ...all: string[]) => {
    const thrown = await send(url, { allowTargets, resolve: answers(...all), timeoutMs: 50 }).then(
      () => assert.fail('there is nobody'),
      (each: Failure) => each,
    );
    return thrown.code !== 'refused';
  };
  for (const [url, list, address, expected] of [
    ['https://a.internal/', ['a.internal'], '10.0.0.1', true],
    ['https://A.internal./', ['a.internal'], '10.0.0.1', true],
    ['https://a.internal/', ['b.internal'], '10.0.0.1', false],
    ['https://a.internal:8443/', ['a.internal'], '10.0.0.1', false],
    ['https://a.internal:8443/', ['a.internal:8443'], '10.0.0.1', true],
    ['https://a.internal/', ['a.internal:8443'], '10.0.0.1', false],
    ['https://a.example:8443/', ['a.example:8443'], '203.0.114.1', true],
    ['https://a.example:8443/', ['0.0.0.0/0'], '203.0.114.1', false],
    ['https://a.internal/', ['10.0.0.0/24'], '10.0.0.1', true],
    ['https://a.internal/', ['10.0.0.0/24'], '10.0.1.1', false],
    ['https://10.0.0.7:9093/', ['10.0.0.7:9093'], '', true],
    ['https://10.0.0.7:9094/', ['10.0.0.7:9093'], '', false],
    ['https://[fd12::7]:9093/', ['[fd12::7]:9093'], '', true],
    ['https://[fd12::7]/', ['fd12::/16'], '', true],
    ['https://a.internal/', ['a.internal'], '127.0.0.1', false],
    ['https://a.internal/', ['a.internal'], '169.254.169.254', false],
    ['https://a.internal/', ['a.internal'], 'fd00:ec2::254', false],
    ['https://a.internal/', ['127.0.0.0/8', '0.0.0.0/0'], '127.0.0.1', false],
    ['https://127.0.0.1:9001/', ['127.0.0.1:9001'], '', false],
    ['https://169.254.170.2/', ['169.254.170.2', '169.254.0.0/16'], '', false],
  ] as const)
    assert.equal(
      await isTried(url, [...list], ...(address === '' ? [] : [address])),
      expected,
      `${url} ${list} ${address}`,
    );
  assert.equal(await isTried('https://a.internal/', ['a.internal'], '10.0.0.1', '169.254.169.254'), false);
});

const serve = async (
  t: TestContext,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
  tls = false,
) => {
  const file = (name: string) => readFileSync(join(import.meta.dirname, '../support/tls', name));
  const server = tls
    ? createTlsServer({ key: file('server.key'), cert: file('server.pem') }, handle)
    : createServer(handle);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
};

test('a name is looked up once, and the connection goes to what was vetted, not to what it says the second time', async (t) => {
  let [requests, asked] = [0, 0];
  const port = await serve(t, (_, response) => {
    requests += 1;
    response.end('inside');
  });
  // The first answer is public; whoever asks again is led inside.
  const rebinding = async () => {
    asked += 1;
    return [{ address: asked === 1 ? '203.0.114.1' : '127.0.0.1', family: 4 }];
  };
  await assert.rejects(
    send(`https://rebind.example:${port}/`, { allowTargets: [`rebind.example:${port}`], resolve: rebinding }),
  );
  assert.deepEqual([asked, requests], [1, 0]);
  // The other way round: what was vetted is reached although the name leads elsewhere by then.
  asked = 1;
  const response = await send(`http://rebind.example:${port}/`, { allowLoopback: true, resolve: rebinding });
  assert.deepEqual([response.status, asked, requests], [200, 2, 1]);
});

test('a redirect is an answer, and nobody goes where it points', async (t) => {
  let reached = 0;
  const inside = await serve(t, (_, response) => {
    reached += 1;
    response.end();
  });
  for (const status of [301, 302, 303, 307, 308]) {
    const port = await serve(
      t,
      (_, response) => void response.writeHead(status, { location: `http://127.0.0.1:${inside}/` }).end(),
    );
    assert.equal((await send(`http://127.0.0.1:${port}/`, { allowLoopback: true })).status, status);
  }
  assert.equal(reached, 0);
});

test('a certificate that nobody vouches for is refused, even where the environment waives it', async (t) => {
  let reached = 0;
  const port = await serve(
    t,
    (_, response) => {
      reached += 1;
      response.end();
    },
    true,
  );
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  t.after(() => {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  });
  for (const waived of ['1', '0']) {
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = waived;
    await assert.rejects(
      send(`https://127.0.0.1:${port}/`, { allowLoopback: true, timeoutMs: 5000 }),
      /unavailable: 127\.0\.0\.1: .*certificate/,
    );
  }
  assert.equal(reached, 0);
});

test('time runs from the look-up to the last byte, and an answer is read up to its limit', async (t) => {
  const endless = () => new Promise<never>(() => undefined);
  await assert.rejects(
    send('https://a.example/', { resolve: endless, timeoutMs: 30 }),
    /timeout: a\.example: no answer within 30 ms/,
  );
  const silent = await serve(t, () => undefined);
  await assert.rejects(
    send(`http://127.0.0.1:${silent}/`, { allowLoopback: true, timeoutMs: 30 }),
    /^Failure: timeout/,
  );
  const dripping = await serve(t, (_, response) => {
    response.write('{');
    t.after(() => response.destroy());
  });
  await assert.rejects(
    send(`http://127.0.0.1:${dripping}/`, { allowLoopback: true, timeoutMs: 60 }),
    /^Failure: timeout/,
  );
  const limit = 256 * 1024;
  for (const [bytes, expected] of [
    [limit, limit],
    [limit + 1, limit],
    [10 * limit, limit],
  ] as const) {
    const large = await serve(t, (_, response) => void response.end(Buffer.alloc(bytes)));
    const { body } = await send(`http://127.0.0.1:${large}/`, { allowLoopback: true, timeoutMs: 5000 });
    assert.ok(body.length <= expected, `${body.length}`);
    if (bytes <= limit) assert.equal(body.length, bytes);
  }
  const broken = await serve(
    t,
    (_, response) =>
      void response.writeHead(200, { 'content-length': '100' }).write('{"errcode":0', () => response.destroy()),
  );
  await assert.rejects(
    send(`http://127.0.0.1:${broken}/`, { allowLoopback: true, timeoutMs: 5000 }),
    /^Failure: unavailable/,
    'half an answer is none',
  );
});

test('a URL or header that cannot be used is told without what stands in it', async () => {
  const secret = 'canary-1f3c';
  for (const url of [
    `${secret}`,
    `https://user:${secret}@a.example/`,
    `https://a.example:99999/?key=${secret}`,
    `ftp://a.example/${secret}`,
    `http://a.example/?key=${secret}`,
  ])
    await assert.rejects(
      send(url, { resolve: answers('1.1.1.1') }),
      (thrown) => thrown instanceof Failure && thrown.code === 'refused' && !`${thrown.stack}`.includes(secret),
    );
  await assert.rejects(
    guardedHttp({ resolve: answers('1.1.1.1') })({
      method: 'POST',
      url: 'https://a.example/',
      headers: { authorization: `Bearer ${secret}\n` },
    }),
    (thrown) => thrown instanceof Failure && thrown.code === 'bad-input' && !`${thrown.message}`.includes(secret),
  );
});
