import { defineGauge } from '../gauge.ts';

/** Each series of a Prometheus instant query. */
export const prometheus = defineGauge<'prometheus'>({
  name: 'prometheus',
  source: 'prometheus',
  unit: 'value',
  defaults: { high: 0.9, low: 0.8, severity: 'warning' },
  goneReason: undefined,
  measure: (values, { query = '' }) => ({
    series: values.map(({ labels: { __name__: _, ...labels }, value, at }) => ({
      labels,
      at,
      value,
      describe: () => ({ basis: 'query', query }),
    })),
    skipped: {},
  }),
});
