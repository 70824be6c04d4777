import fc from 'fast-check';
import { type Alert, alert } from '../../lib/model/alert.ts';

/** What breaks messages: several bytes a character, several characters a grapheme, and everything that is markup somewhere. */
const nasty = [
  ...[
    '内存',
    '告警',
    '漢字',
    '한국어',
    'naïve',
    'ß',
    '\u0301',
    'é',
    '𝔘𝔫𝔦',
    '🙂',
    '👨‍👩‍👧‍👦',
    '🏳️‍🌈',
    '🇨🇳',
    '👍🏽',
    'ع',
    '\u202e',
  ],
  ...[
    '**',
    '*',
    '_',
    '~',
    '`',
    '```',
    '[',
    ']',
    '](',
    '[a](b)',
    '(',
    ')',
    '<',
    '>',
    '</font>',
    '<font color="info">',
    '<@all>',
  ],
  ...[
    '<at id=all></at>',
    '<!channel>',
    '&',
    '&amp;',
    '&#42;',
    '\\',
    '\\*',
    '#',
    '# ',
    '> ',
    '- ',
    '|',
    '"',
    '{{x}}',
    '[FIRING]',
  ],
  ...['\n', '\r\n', '\t', '\u0000', '\u2028', '\ud83d', '\udc00', ' ', 'a', 'pod-1', 'https://x.example/a(b)?c=d&e=f'],
];

const text = (maxLength: number) => fc.array(fc.constantFrom(...nasty), { maxLength }).map((parts) => parts.join(''));
const label = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('a', 'pod-1', '内存', 'x_y') },
  { weight: 2, arbitrary: text(12) },
);
const long = fc.oneof(
  { weight: 8, arbitrary: text(20) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...nasty), fc.integer({ min: 1, max: 3000 }))
      .map(([one, times]) => one.repeat(times)),
  },
);

/** Sets of alerts of all sizes, each alert with a fingerprint of its own. */
export const alertSets = (maxAlerts: number): fc.Arbitrary<Alert[]> =>
  fc
    .array(
      fc.record({
        status: fc.constantFrom('firing', 'resolved'),
        severity: fc.constantFrom('critical', 'warning', 'info'),
        name: fc.oneof(
          { weight: 6, arbitrary: fc.constantFrom('High', '内存过高') },
          { weight: 1, arbitrary: text(10) },
        ),
        labels: fc.dictionary(fc.constantFrom('cluster', 'pod', 'a_b', 'région', '节点'), label, { maxKeys: 5 }),
        annotations: fc.dictionary(
          fc.constantFrom('summary', 'description', 'runbook_url', 'value', 'report'),
          fc.oneof({ weight: 4, arbitrary: long }, { weight: 1, arbitrary: fc.webUrl() }),
          { maxKeys: 5 },
        ),
        at: fc.integer({ min: 0, max: 1e6 }),
        hasTrace: fc.boolean(),
      }),
      { minLength: 1, maxLength: maxAlerts, size: 'max' },
    )
    .map((list) =>
      list.map(({ status, severity, name, labels, annotations, at, hasTrace }, index) =>
        alert({
          status: status as Alert['status'],
          labels: { ...labels, alertname: name, severity, index: `${index}` },
          annotations,
          startsAt: new Date(1.7e12 + at * 1000).toISOString(),
          ...(hasTrace ? { trace: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' } } : {}),
        }),
      ),
    );
