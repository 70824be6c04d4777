import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { shopSpans } from '../../bench/shop-spans.ts';
import { spanKinds } from '../../lib/model/span.ts';
import { assemble } from '../../lib/trace/assemble.ts';
import { renderReport, shownOf } from '../../lib/trace/report.ts';
import { score, scoreTraces } from '../../lib/trace/score.ts';
import { aSpan } from '../support/a-span.ts';

const hostile = '<script>alert("x")</script>&\'"';
const spans = Array.from({ length: 120 }, (_, at) =>
  aSpan({
    spanId: (at + 1).toString(16).padStart(16, '0'),
    ...(at === 0 ? {} : { parentSpanId: '0000000000000001' }),
    service: at % 2 === 0 ? 'orders' : hostile,
    name: at === 3 ? hostile : `step ${at}`,
    kind: spanKinds.internal,
    from: at,
    to: at === 0 ? 9000 : at + 30 * at,
    status: at % 3 === 0 ? 2 : 0,
  }),
);
const traces = assemble(spans);
const scored = scoreTraces('2026-01-01T00:00:00Z', traces);
const page = renderReport({
  title: `Run ${hostile}`,
  subtitle: 'a test',
  traces,
  heatMap: scored.heatMap,
  findings: scored.findings,
  services: scored.services,
  ledger: [
    {
      at: '2026-01-01T00:00:01.000Z',
      alertname: hostile,
      severity: 'critical',
      status: 'firing',
      summary: hostile,
      destination: 'oncall',
      verdict: 'ok',
      attempts: 1,
    },
  ],
});

test('the page holds its four parts, and nothing of others becomes markup', () => {
  for (const id of ['waterfall', 'heat-map', 'findings', 'ledger'])
    assert.ok(page.includes(`<section id="${id}">`), id);
  assert.ok(!page.includes('<script'));
  assert.ok(!/(src|href)="(?!#)/.test(page), 'needs nothing but itself');
  assert.ok(page.includes('40 more spans are not drawn'));
});

test('of a large trace what is on the critical path or failed is drawn, wherever it is; findings lead to their traces', () => {
  const id = (n: number) => (n + 1).toString(16).padStart(16, '0');
  const large = Array.from({ length: 1000 }, (_, at) =>
    aSpan({
      spanId: id(at),
      ...(at === 0 ? {} : { parentSpanId: id(0) }),
      name: at === 990 ? 'the slow one' : at === 700 ? 'the failed one' : `step ${at}`,
      from: at === 990 ? 50 : 1,
      to: at === 0 ? 5000 : at === 990 ? 4990 : 2,
      status: at === 700 ? 2 : 0,
    }),
  );
  const found = assemble(large);
  const whole = scoreTraces('2026-01-01T00:00:00Z', found);
  const text = renderReport({
    title: 't',
    subtitle: 's',
    ...shownOf(whole, found),
    causes: { by: hostile, ranking: [{ service: hostile, score: 1 }] },
    traceUrl: 'https://traces.example/{traceId}',
  });
  assert.ok(text.includes('the slow one') && text.includes('the failed one'));
  assert.ok(text.includes('920 more spans are not drawn') && text.includes('⋮'));
  assert.ok(!text.includes('<script'));
  assert.ok(text.length < 200_000, String(text.length));
});

test('what is missing is said: calls without their other side, unseen spans, clocks that differ', () => {
  const spans = shopSpans(60)
    .flat()
    .filter(
      ({ kind, resource }, at) => !(kind === spanKinds.server && resource['service.name'] === 'stock' && at % 2 === 0),
    );
  const found = assemble(spans);
  const text = renderReport({ title: 't', subtitle: 's', ...shownOf(score('2026-01-01T00:00:00Z', spans), found) });
  for (const words of ['orders → stock', 'likely parent', 'orders-1', 'without their parents'])
    assert.ok(text.includes(words), words);
  assert.match(text, /href="#trace-/);
});

test('an empty window has a page too', () => {
  const empty = scoreTraces('2026-01-01T00:00:00Z', []);
  const text = renderReport({
    title: 't',
    subtitle: 's',
    traces: [],
    heatMap: empty.heatMap,
    findings: [],
    services: {},
  });
  for (const words of ['No trace was seen', 'No span was seen', 'Nothing was found'])
    assert.ok(text.includes(words), words);
});

const browserPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) =>
  existsSync(path),
);

test('a real browser shows the four parts without any network', {
  skip:
    browserPath === undefined ? 'no Chromium on this machine; install it (Debian: apt-get install chromium)' : false,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-report-'));
  writeFileSync(join(folder, 'report.html'), page);
  const browser = await chromium.launch({
    executablePath: browserPath ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  try {
    const tab = await browser.newPage();
    const requests: string[] = [];
    const errors: string[] = [];
    tab.on('request', (request) => void requests.push(request.url()));
    tab.on('pageerror', (error) => void errors.push(String(error)));
    await tab.goto(`file://${join(folder, 'report.html')}`);
    assert.deepEqual(requests, [`file://${join(folder, 'report.html')}`]);
    assert.deepEqual(errors, []);
    for (const id of ['waterfall', 'heat-map', 'findings', 'ledger'])
      assert.ok(await tab.locator(`#${id}`).isVisible(), id);
    assert.ok((await tab.locator('#waterfall rect.path').count()) >= 2, 'the critical path is marked');
    assert.ok((await tab.locator('#heat-map rect.cell').count()) > 3);
    assert.ok((await tab.locator('#findings tbody tr').count()) > 0);
    assert.equal(await tab.locator('#ledger tbody tr').count(), 1);
    const box = await tab.locator('#waterfall svg').first().boundingBox();
    assert.ok(box !== null && box.width > 400 && box.height > 400, 'it is drawn at a size that can be read');
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
