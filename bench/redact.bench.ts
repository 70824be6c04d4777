import type { Span } from '../lib/model/span.ts';
import { redactor } from '../lib/telemetry/redact.ts';
import { aSpan } from '../test/support/a-span.ts';
import type { Bench } from './index.ts';
import { type Case, measure, quantile, type Result, report } from './measure.ts';

/** What a span of a web service has: nothing personal in it, as in nearly all of them. */
const usual = aSpan({
  name: 'GET /orders/{id}',
  attributes: {
    'http.request.method': 'GET',
    'http.route': '/orders/{id}',
    'url.full': 'https://shop.example/orders/4711?page=2',
    'server.address': 'shop.example',
    'http.response.status_code': 200,
    'network.peer.address': '10.2.3.4',
    'user_agent.original': 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  },
});
const personal = aSpan({
  ...usual,
  statusMessage: 'no account for jane@example.com',
  attributes: {
    ...usual.attributes,
    note: 'call +86 138-1234-5678, card 4111 1111 1111 1111',
    'db.query.text': "SELECT * FROM t WHERE a = 'x'",
  },
});

/** Texts that make one part of the scanners or of a pattern work hardest. */
const hostile: Readonly<Record<string, string>> = {
  at: '@',
  address: 'a@a.',
  digits: '1',
  card: '4111 ',
  phone: '+1 ',
  jwt: 'eyJaaaaaaa.eyJ-',
  iban: 'DE89 ',
  secretKey: 'aA1/',
  url: 'a://b?',
  path: '/a?b=',
  quote: "'",
  escape: '%2B1',
  wide: '１',
  pattern: 'a',
};
const mebibyte = 1_048_576;

export const bench: Bench = {
  question: 'What does redaction cost for a span, and does hostile text of 1 MiB cost more than its length?',
  run: async ({ json }) => {
    const plain = redactor({});
    const own = redactor({ patterns: { a: '(a|aa)*b', b: '(a*)*c', c: '[0-9]+[0-9]+x' } });
    const strict = redactor({ allowKeys: ['http.*', 'url.full'] });
    const copy = (span: Span) => () =>
      JSON.stringify(span, (_, value: unknown) => (typeof value === 'bigint' ? 0 : value));
    const spans: Case[] = [
      { case: 'tidemark/usual', run: () => plain.span(usual) },
      { case: 'tidemark/personal', run: () => plain.span(personal) },
      { case: 'tidemark/allow-list', run: () => strict.span(usual) },
      { case: 'json', run: copy(usual) },
    ];
    const perSpan = measure(spans, { peers: ['json'] });
    const hard = Object.entries(hostile).flatMap(([name, piece]) =>
      [mebibyte / 8, mebibyte].map((length): Result => {
        const text = piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
        const times = [0, 1, 2].map(() =>
          timed(() => own.attributes({ note: text, 'db.query.text': text, 'url.query': text })),
        );
        const p10 = Math.min(...times);
        return {
          case: `${name}/${length === mebibyte ? '1 MiB' : '128 KiB'}`,
          p10,
          median: quantile(times, 0.5),
          unit: 'ms',
        };
      }),
    );
    const growth = Object.keys(hostile).map((name) => {
      const of = (size: string) => hard.find((each) => each.case === `${name}/${size}`)?.p10 ?? Number.NaN;
      return { name, ratio: of('1 MiB') / of('128 KiB'), ms: of('1 MiB') };
    });
    const worst = growth.reduce((one, other) => (one.ratio > other.ratio ? one : other));
    const slowest = growth.reduce((one, other) => (one.ms > other.ms ? one : other));
    report(
      'redact',
      [...perSpan, ...hard],
      json,
      [
        'json: JSON.stringify of the same span, for scale.',
        `Eight times the hostile text costs at most ${worst.ratio.toFixed(1)} times as much (${worst.name}); linear is 8, quadratic 64.`,
        `The slowest MiB (${slowest.name}) takes ${slowest.ms.toFixed(0)} ms in all of text, SQL and query.`,
      ],
      { growth: Object.fromEntries(growth.map(({ name, ratio }) => [name, ratio])) },
    );
  },
};

const timed = (work: () => unknown): number => {
  const start = process.hrtime.bigint();
  work();
  return Number(process.hrtime.bigint() - start) / 1e6;
};
