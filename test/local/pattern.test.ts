import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matches } from '../../local/pattern.ts';
import { transform } from '../../local/transform.ts';

const event = {
  source: 'shop.orders',
  'detail-type': 'OrderPlaced',
  detail: {
    id: 'order-7',
    total: 12.5,
    tags: ['new', 'vip'],
    address: { ip: '10.1.2.3', city: 'Köln' },
    none: null,
    flag: true,
    items: [
      { sku: 'lamp', n: 2 },
      { sku: 'chair', n: 9 },
    ],
  },
};
const detail = (pattern: object) => matches({ detail: pattern }, event);

test('exact values, lists of the event, null and booleans', () => {
  assert.ok(matches({ source: ['x', 'shop.orders'] }, event));
  assert.ok(!matches({ source: ['shop'] }, event));
  assert.ok(detail({ tags: ['vip'], none: [null], flag: [true], total: [12.5] }));
  assert.ok(!detail({ tags: ['old'] }));
  assert.ok(detail({ items: { sku: ['chair'] } }));
});

test('every operator', () => {
  const yes = [
    { id: [{ prefix: 'order' }] },
    { id: [{ prefix: { 'equals-ignore-case': 'ORDER' } }] },
    { id: [{ suffix: '-7' }] },
    { id: [{ wildcard: 'o*-*' }] },
    { id: [{ wildcard: 'order-7' }] },
    { id: [{ 'equals-ignore-case': 'ORDER-7' }] },
    { id: [{ 'anything-but': 'order-8' }] },
    { id: [{ 'anything-but': ['a', 'b'] }] },
    { id: [{ 'anything-but': { prefix: 'x' } }] },
    { total: [{ numeric: ['>', 12, '<=', 12.5] }] },
    { total: [{ numeric: ['=', 12.5] }] },
    { address: { ip: [{ cidr: '10.1.0.0/16' }] } },
    { id: [{ exists: true }], missing: [{ exists: false }] },
    { $or: [{ id: ['no'] }, { total: [{ numeric: ['<', 13] }] }] },
  ];
  for (const pattern of yes) assert.ok(detail(pattern), JSON.stringify(pattern));
  const no = [
    { id: [{ prefix: 'Order' }] },
    { id: [{ suffix: '-8' }] },
    { id: [{ wildcard: 'o*-*8' }] },
    { id: [{ wildcard: 'order-\\*' }] },
    { id: [{ 'anything-but': 'order-7' }] },
    { id: [{ 'anything-but': { prefix: 'order' } }] },
    { missing: [{ 'anything-but': 'x' }] },
    { total: [{ numeric: ['>', 12.5] }] },
    { id: [{ numeric: ['>', 0] }] },
    { address: { ip: [{ cidr: '10.2.0.0/16' }] } },
    { id: [{ exists: false }] },
    { missing: [{ exists: true }] },
    { $or: [{ id: ['no'] }, { total: ['12.5'] }] },
    { id: [{ unheard: 'of' }] },
  ];
  for (const pattern of no) assert.ok(!detail(pattern), JSON.stringify(pattern));
});

test('a wildcard against a hostile text takes linear time', () => {
  assert.ok(!matches({ x: [{ wildcard: `${'*a'.repeat(200)}b` }] }, { x: 'a'.repeat(20_000) }));
});

test('targets get the event, a part, a constant or a filled-in template', () => {
  const to = (target: object) => transform(event, target, 'arn:rule', 'rule');
  assert.equal(to({ Input: '{"x":1}' }), '{"x":1}');
  assert.equal(to({ InputPath: '$.detail.items[1].sku' }), '"chair"');
  assert.deepEqual(JSON.parse(to({})), event);
  const InputPathsMap = {
    id: '$.detail.id',
    total: '$.detail.total',
    gone: '$.detail.gone',
    city: '$.detail.address.city',
  };
  const text = to({
    InputTransformer: {
      InputPathsMap,
      InputTemplate:
        '{"order":<id>,"text":"<id> in <city> \\"<gone>\\"","total":<total>,"gone":<gone>,"rule":"<aws.events.rule-name>"}',
    },
  });
  assert.deepEqual(JSON.parse(text), {
    order: 'order-7',
    text: 'order-7 in Köln ""',
    total: 12.5,
    gone: null,
    rule: 'rule',
  });
});
