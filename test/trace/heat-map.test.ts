import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32, deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { type HeatMap, heatMap, histogram, merge, pointOf, record } from '../../lib/trace/heat-map.ts';
import { heatMapPng } from '../../lib/trace/heat-map-png.ts';
import { heatMapSvg } from '../../lib/trace/heat-map-svg.ts';
import { score } from '../../lib/trace/score.ts';
import { aSpan } from '../support/a-span.ts';

const traceId = (n: number) => n.toString(16).padStart(32, '0');

/** Reads a PNG as the standard lays it out: every checksum is verified. */
const readPng = (bytes: Uint8Array) => {
  assert.deepEqual([...bytes.subarray(0, 8)], [137, 80, 78, 71, 13, 10, 26, 10]);
  const chunks = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at < bytes.length; ) {
    const length = view.getUint32(at);
    const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    assert.equal(view.getUint32(at + 8 + length), crc32(bytes.subarray(at + 4, at + 8 + length)), type);
    chunks.set(type, bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  assert.deepEqual([...chunks.keys()], ['IHDR', 'PLTE', 'IDAT', 'IEND']);
  const header = chunks.get('IHDR') as Uint8Array;
  const [width, height] = [
    new DataView(header.buffer, header.byteOffset).getUint32(0),
    new DataView(header.buffer, header.byteOffset).getUint32(4),
  ];
  assert.deepEqual([...header.subarray(8)], [8, 3, 0, 0, 0]);
  const lines = inflateSync(chunks.get('IDAT') as Uint8Array);
  assert.equal(lines.length, height * (width + 1));
  const colours = (chunks.get('PLTE') as Uint8Array).length / 3;
  const pixels = Array.from({ length: height }, (_, row) => {
    assert.equal(lines[row * (width + 1)], 0, 'filter 0');
    return lines.subarray(row * (width + 1) + 1, (row + 1) * (width + 1));
  });
  assert.ok(pixels.every((line) => line.every((pixel) => pixel < colours)));
  return { width, height, pixels };
};

const mapOf = (services: Readonly<Record<string, readonly number[]>>): HeatMap =>
  heatMap(
    new Map(
      Object.entries(services).map(([name, durations]) => {
        const target = histogram();
        for (const each of durations) record(target, each);
        return [name, { durations: target, pathShare: 1 / Object.keys(services).length }];
      }),
    ),
  );

test('histograms merge by adding: any split in any order counts the same as the whole', () => {
  const seconds = fc.array(fc.double({ min: 0, max: 3600, noNaN: true }), { maxLength: 100 });
  fc.assert(
    fc.property(seconds, seconds, (a, b) => {
      const of = (list: readonly number[]) => {
        const target = histogram();
        for (const each of list) record(target, each);
        return target;
      };
      const [one, other, whole] = [of(a), of(b), of([...a, ...b])];
      const turned = of(b);
      merge(turned, of(a));
      merge(one, other);
      assert.deepEqual(pointOf(one), pointOf(whole));
      assert.deepEqual(pointOf(turned), pointOf(whole));
      const { zeroCount, positive } = pointOf(whole);
      assert.equal(zeroCount + positive.bucketCounts.reduce((sum, count) => sum + count, 0), a.length + b.length);
    }),
  );
});

test('a PNG is whole, shows quick and slow cells in colours of their own, and the same map is the same bytes', () => {
  const options = { title: 'Service by duration', deflate: (bytes: Uint8Array) => deflateSync(bytes) };
  const map = mapOf({ web: [0.01, 0.02, 0.5], pay: [0.5, 3, 3, 3] });
  const png = heatMapPng(map, options);
  const { pixels, width } = readPng(png);
  const used = new Set(pixels.flatMap((line) => [...line]));
  assert.ok(
    [...used].some((colour) => colour >= 4 && colour < 12),
    'a quick cell',
  );
  assert.ok(
    [...used].some((colour) => colour >= 12),
    'a slow cell',
  );
  assert.ok(used.has(1), 'letters');
  assert.deepEqual(heatMapPng(map, options), png);
  assert.ok(!new Set(readPng(heatMapPng(mapOf({ web: [0.01] }), options)).pixels.flatMap((line) => [...line])).has(12));
  const wide = readPng(heatMapPng(mapOf({ web: [1e-7, 3600] }), options));
  assert.ok(wide.width > width);
  for (const name of ['支付服务', 'x'.repeat(500), '\u0000\n', '👩‍👩‍👧‍👦'.repeat(20)])
    readPng(heatMapPng(mapOf({ [name]: [1] }), { ...options, title: name }));
  const many = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`service ${at}`, [0.1]]));
  const drawn = heatMapPng(mapOf(many), options);
  assert.ok(readPng(drawn).height < 600 && drawn.length < 50_000, 'the rest is counted in words');
  readPng(heatMapPng({ edges: [], rows: [] }, options));
});

test('an SVG stands alone, escapes what others wrote, and its cells lead to their longest spans', () => {
  const hostile = '<script>"&\'';
  const scored = score(
    '2026-01-01T00:00:00Z',
    [5, 50, 60, 3000].map((to, at) => aSpan({ traceId: traceId(at + 1), service: hostile, to })),
  );
  const svg = heatMapSvg(scored.heatMap, {
    isStandalone: true,
    traceHref: (id) => `https://traces.example/${id}?a=1&b=2`,
  });
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.ok(!svg.includes('<script'));
  assert.ok(svg.includes(`https://traces.example/${traceId(4)}?a=1&amp;b=2`));
  assert.ok(svg.includes(traceId(3)) && !svg.includes(`longest in trace ${traceId(2)}`), '50 and 60 ms share a cell');
  const [row] = scored.heatMap.rows;
  assert.equal(row?.exemplars?.filter((each) => each !== null).length, 3);
  assert.ok(Math.abs((row?.pathShares ?? []).reduce((sum, share) => sum + share, 0) - 1) < 1e-12);
  assert.match(heatMapSvg({ edges: [], rows: [] }), /no span was seen/);
});
