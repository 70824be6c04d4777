import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import shop from '../../examples/shop/tidemark.config.ts';
import { prometheusRules } from '../../lib/watermark/prometheus-rules.ts';

type RuleFile = { groups: { rules: Record<string, unknown>[] }[] };

test('a rule is exported with its marks and times, the low mark by the alert of its own', () => {
  const text = prometheusRules({
    rules: {
      Disk: {
        gauge: 'prometheus',
        query: 'used / size',
        high: 0.9,
        low: 0.8,
        forSeconds: 60,
        keepFiringForSeconds: 0,
        labels: { team: 'a "b"' },
      },
      Plain: { gauge: 'prometheus', query: 'up == bool 0', high: 0, low: 0, forSeconds: 0 },
      Queue: { gauge: 'queue-backlog' },
    },
  });
  const [group] = (parse(text) as RuleFile).groups;
  assert.deepEqual(group?.rules[0], {
    alert: 'Disk',
    expr: '(used / size) > 0.9 or (((used / size) > 0.8) and ignoring(alertname, alertstate, severity) ALERTS{alertname="Disk", alertstate="firing"})',
    for: '60s',
    labels: { team: 'a "b"', severity: 'warning' },
    annotations: { summary: 'prometheus is above 0.9' },
  });
  assert.equal(group?.rules[1]?.['expr'], '(up == bool 0) > 0');
  assert.equal(group?.rules.length, 2);
  assert.match(text, /# Queue \(queue-backlog\): SQS and CloudWatch are not in Prometheus/);
});

test('the exported file is up to date, and YAML whatever is in it', () => {
  const file = readFileSync(join(import.meta.dirname, '../../ops/prometheus/watermarks.rules.yml'), 'utf8');
  assert.equal(file, prometheusRules(shop.watermarks ?? {}), 'run: node ops/prometheus/generate.ts');
  assert.ok((parse(file) as RuleFile).groups[0]?.rules.length);
  assert.deepEqual((parse(prometheusRules({})) as RuleFile).groups[0]?.rules, []);
});
