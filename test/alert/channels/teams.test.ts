import assert from 'node:assert/strict';
import { test } from 'node:test';
import { teams } from '../../../lib/alert/channels/teams.ts';
import { teamsRobot } from '../../support/robots/index.ts';
import { anAlert, bodyOf, now, requestsOf, testLimit, testVerdicts } from './cases.ts';

const retry = { kind: 'retry' } as const;
const permanent = { kind: 'permanent' } as const;
const legacy = (status: number) =>
  `Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error ${status} with ContextId tcid=0`;

testVerdicts(teams, [
  [202, '', { kind: 'ok' }],
  [202, '{"id":"x"}', { kind: 'ok' }],
  [200, '1', { kind: 'ok' }],
  [200, '', retry],
  [200, '0', retry],
  [200, 'ok', retry],
  [200, legacy(429), { ...retry, throttled: true }],
  [200, legacy(413), { kind: 'split' }],
  [200, legacy(503), retry],
  [200, legacy(403), { ...permanent, credentials: true }],
  [200, legacy(410), { ...permanent, disable: true }],
  [202, legacy(429), { ...retry, throttled: true }],
  [200, legacy(429), { ...retry, throttled: true, minDelaySeconds: 9 }, { 'retry-after': '9' }],
  [200, 'Webhook message delivery failed', retry],
  [201, '', retry],
  [204, '', retry],
  [400, { error: { code: 'TriggerInputSchemaMismatch', message: 'x' } }, permanent],
  [400, { error: { code: 'WorkflowTriggerIsNotEnabled' } }, { ...permanent, disable: true }],
  [401, { error: { code: 'DirectApiAuthorizationRequired' } }, { ...permanent, credentials: true }],
  [404, { error: { code: 'WorkflowNotFound' } }, { ...permanent, disable: true }],
  [404, '', permanent],
  [413, '', { kind: 'split' }],
  [429, '', { ...retry, throttled: true, minDelaySeconds: 10 }, { 'retry-after': '10' }],
  [502, '', { ...retry, throttled: true }],
  [302, '', permanent],
]);

testLimit(teams);

test('Teams: a card that a workflow takes, with its mentions as entities', () => {
  const robot = teamsRobot();
  const [sent] = requestsOf(teams, [anAlert({ annotations: { summary: '**b** <at>x</at>' } })], {
    url: robot.url,
    mention: ['carol@example.com'],
  });
  assert.ok(sent !== undefined);
  assert.deepEqual(teams.verdict(robot.answer(sent.request, now), now), { kind: 'ok' });
  const [attachment] = JSON.parse(String(sent.request.body)).attachments;
  assert.equal(attachment.contentType, 'application/vnd.microsoft.card.adaptive');
  const { body, msteams } = attachment.content;
  assert.equal(body[0].color, 'Attention');
  assert.equal(body[1].text, '\\*\\*b\\*\\* \\<at>x\\</at>\n\npod: pod-1');
  assert.equal(body[2].text, '<at>carol@example.com</at>');
  assert.deepEqual(msteams.entities[0].mentioned, { id: 'carol@example.com', name: 'carol@example.com' });
});

test('Teams: entries of a digest are lines of one list', () => {
  const alerts = ['1', '2', '3'].map((pod) => anAlert({ labels: { alertname: 'High', severity: 'critical', pod } }));
  const text: string = bodyOf(teams, alerts).attachments[0].content.body[1].text;
  assert.equal(text.match(/\n- pod=/g)?.length ?? 0, 2);
  assert.ok(text.startsWith('- pod='));
});
