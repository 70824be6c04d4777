import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import shop from '../../examples/shop/tidemark.config.ts';
import type { WatermarksConfig } from '../../lib/model/config/watermarks.ts';
import { prometheusRules } from '../../lib/watermark/prometheus-rules.ts';
import { everyGauge } from '../support/every-gauge.ts';

type Entry = { readonly alert?: string; readonly record?: string; readonly expr: string } & Record<string, unknown>;
const rulesIn = (text: string): readonly Entry[] =>
  (parse(text) as { groups: { rules: Entry[] }[] }).groups[0]?.rules ?? [];
const exported = (config: WatermarksConfig): readonly Entry[] => rulesIn(prometheusRules(config));

test('a rule is exported with its marks and times, the low mark by the alert of its own', () => {
  const rule = { gauge: 'prometheus', query: 'used / size', high: 0.9, low: 0.8, noData: 'ok' } as const;
  const [value, alert] = exported({
    rules: { Disk: { ...rule, forSeconds: 60, keepFiringForSeconds: 0, labels: { team: 'a "b"' } } },
  });
  assert.deepEqual(value, { record: 'tidemark:Disk:value', expr: 'used / size' });
  assert.deepEqual(alert, {
    alert: 'Disk',
    expr: [
      '(tidemark:Disk:value > 0.9)',
      'or (tidemark:Disk:value > 0.8',
      'and max without (alertname, alertstate, team, severity) (ALERTS{alertname="Disk", alertstate="firing", severity="warning"}))',
    ].join('\n'),
    for: '60s',
    labels: { team: 'a "b"', severity: 'warning' },
    annotations: { summary: 'prometheus is above 0.9' },
  });
  const [, plain] = exported({ rules: { Plain: { ...rule, high: 0, low: 0, forSeconds: 0 } } });
  assert.equal(plain?.expr, 'tidemark:Plain:value > 0');
  assert.equal(plain?.['for'], undefined);
});

/** PromQL by the grammar of Prometheus' own editor, which marks what it cannot read. */
const faultsOf = (expression: string): readonly string[] => {
  const faults: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) faults.push(`${expression.slice(from - 20, from)}»${expression.slice(from, to)}«`);
    },
  });
  return faults;
};

test('every expression is PromQL', () => {
  assert.notDeepEqual(faultsOf('max by (a) (b'), [], 'the check sees faults');
  const rules = exported(everyGauge);
  assert.ok(rules.length > 30);
  for (const { alert, record, expr } of rules) assert.deepEqual(faultsOf(expr), [], `${alert ?? record}: ${expr}`);
});

test('every rule but those on pushed readings is exported, and what is left out is said by name', () => {
  const text = prometheusRules(everyGauge);
  const alerts = new Set(rulesIn(text).map(({ alert }) => alert));
  for (const name of Object.keys(everyGauge.rules ?? {})) assert.equal(alerts.has(name), name !== 'Sessions', name);
  assert.ok(alerts.has('NodeMemoryNoData') && alerts.has('WatermarkBlind'));
  assert.match(text, /# - the rule at all \(pushed readings are not in Prometheus\): Sessions$/m);
  assert.match(text, /# - flap damping \(.*\): PodMemory, PodMemoryWarning, ContainerCpu, /);
  assert.match(text, /# - that a sample read twice counts once: ContainerCpu$/m);
  assert.match(text, /# - the estimator of its forecast \(.*\): Disk$/m);
});

test('a recorded value stands before the rules that read it, and none is recorded twice', () => {
  const known = new Set<string>();
  for (const { record, expr } of exported(everyGauge)) {
    for (const [used] of expr.matchAll(/tidemark:[\w:]+/g)) assert.ok(known.has(used), `${used} is read too early`);
    if (record === undefined) continue;
    assert.ok(!known.has(record), record);
    known.add(record);
  }
});

test('metrics of CloudWatch have the names that its exporter gives them', () => {
  const metric = (namespace: string, name: string, statistic?: string) =>
    exported({
      rules: {
        X: { gauge: 'cloudwatch', metric: { namespace, name, ...(statistic === undefined ? {} : { statistic }) } },
      },
    })[0]?.expr;
  assert.equal(metric('AWS/RDS', 'CPUUtilization'), 'aws_rds_cpuutilization_average{}');
  assert.equal(metric('AWS/EC2', 'StatusCheckFailed', 'Maximum'), 'aws_ec2_status_check_failed_maximum{}');
  assert.equal(
    metric('AWS/ApplicationELB', 'TargetResponseTime', 'p99'),
    'aws_applicationelb_target_response_time_p99{}',
  );
  assert.equal(metric('Shop/Carts', 'OpenCarts', 'Sum'), 'aws_shop_carts_open_carts_sum{}');
  assert.equal(metric('Glue', 'glue.driver.jvm.heap.usage', 'Average'), 'aws_glue_driver_jvm_heap_usage_average{}');
});

test('the exported file is up to date, and YAML whatever is in it', () => {
  const file = readFileSync(join(import.meta.dirname, '../../ops/prometheus/watermarks.rules.yml'), 'utf8');
  assert.equal(file, prometheusRules(shop.watermarks ?? {}), 'run: node ops/prometheus/generate.ts');
  assert.ok(rulesIn(file).length > 0);
  assert.deepEqual(exported({}), []);
});
