import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { wecom } from '../../lib/alert/channels/wecom.ts';
import { fillTemplate, readTemplate } from '../../lib/model/template.ts';
import { anAlert, bodyOf, requestsOf } from './channels/cases.ts';

const sent = anAlert({
  labels: { alertname: 'High', severity: 'critical', pod: 'a*b', 'app.kubernetes.io/name': 'shop' },
  annotations: { summary: 'full', empty: '' },
  trace: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' },
});

const filled = (text: string): string => {
  const read = readTemplate(text);
  assert.ok('template' in read, 'error' in read ? read.error : '');
  return fillTemplate(
    read.template,
    sent,
    { receiver: 'oncall', traceUrl: 'https://t.example/1' },
    (value) => `<${value}>`,
  );
};

test('a template knows labels, annotations and the fields of an alert', () => {
  assert.equal(filled('{{name}} {{ severity }} {{status}} {{labels.pod}}'), '<High> <critical> <firing> <a*b>');
  assert.equal(filled('{{labels.app.kubernetes.io/name}} {{annotations.summary}}={{summary}}'), '<shop> <full>=<full>');
  assert.equal(
    filled('{{traceId}} {{traceUrl}} {{receiver}}'),
    '<0af7651916cd43dd8448eb211c80319c> <https://t.example/1> <oncall>',
  );
  assert.equal(filled('[{{labels.missing}}{{annotations.empty}}{{endsAt}}]'), '[]');
  assert.equal(filled('{{labels.constructor}}{{labels.__proto__}}'), '', 'nothing that is inherited');
  assert.equal(filled('}} { {x} 漢字'), '}} { {x} 漢字');
});

test('a section stands where there is a value, and an inverted one where there is none', () => {
  assert.equal(filled('{{#summary}}S:{{summary}}{{/summary}}{{^summary}}none{{/summary}}'), 'S:<full>');
  assert.equal(
    filled('{{#labels.x}}X{{/labels.x}}{{^labels.x}}no x{{#name}}, {{name}}{{/name}}{{/labels.x}}'),
    'no x, <High>',
  );
});

test('what is wrong with a template is told, and where', () => {
  for (const [text, wrong] of [
    ['{{name', /the {{ at character 1 is not closed/],
    ['a {{summry}}', /{{summry}}: no such field; there are labels.<name>/],
    ['{{labels}}', /no such field/],
    ['{{}}', /no such field/],
    ['{{#name}}', /{{#name}} is not closed/],
    ['{{^name}}x', /{{\^name}} is not closed/],
    ['{{/name}}', /{{\/name}} closes nothing/],
    ['{{#name}}{{#status}}{{/name}}{{/status}}', /{{\/name}} closes nothing/],
    ['{{#each labels}}', /no such field/],
    ['{{{name}}}', /no such field/],
    ['{{constructor}}', /no such field/],
  ] as const) {
    const read = readTemplate(text);
    assert.ok('error' in read && wrong.test(read.error), `${text}: ${JSON.stringify(read)}`);
  }
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('{{', '}}', '#', '/', '^', 'name', ' ', 'x') }),
      (text) => void readTemplate(text),
    ),
  );
});

test('a template takes the place of our words, in the channel’s markup, and what it is filled with is no markup', () => {
  const { content } = bodyOf(wecom, [sent], {
    template: '**{{labels.pod}}** {{summary}}\nsee [it](https://x.example/{{labels.pod}})',
  }).markdown;
  const lines = content.split('\n');
  assert.equal(lines[1], '**a*b** full');
  assert.equal(lines[2], 'see [it](https://x.example/a*b)');
  assert.match(lines[0], /\[FIRING\] High/);
  assert.match(lines[4], new RegExp(sent.fingerprint));
});

test('a function is a template, too, and one that says too much is cut as plain text', () => {
  const template = ({ labels }: typeof sent) => `pod ${labels['pod']}`;
  assert.equal(bodyOf(wecom, [sent], { template }).markdown.content.split('\n')[1], 'pod a*b');
  const { content } = bodyOf(wecom, [sent], {
    template: () => '**bold** [link](https://x.example) '.repeat(1000),
  }).markdown;
  assert.ok(Buffer.byteLength(content) <= 4096);
  assert.ok(!content.includes('](https://x.example)'), 'no link that might be cut');
});

test('an alert at which the template throws goes alone: the others are told', () => {
  const others = ['1', '2', '3'].map((pod) => anAlert({ labels: { alertname: 'High', severity: 'warning', pod } }));
  const template = ({ labels }: typeof sent) => {
    if (labels['pod'] === 'a*b') throw new Error('not this one');
    return String(labels['pod']);
  };
  const chunks = wecom.plan(
    { receiver: 'r', groupKey: 'g', groupLabels: {}, alerts: [sent, ...others] },
    { template },
    {},
  );
  assert.deepEqual(
    chunks.map(({ notification }) => notification.alerts.length),
    [3, 1],
  );
  assert.deepEqual(chunks[1]?.notification.alerts, [sent]);
  assert.equal(requestsOf(wecom, others, { template }).length, 1);
});
