import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Pod } from '../../lib/model/kubernetes-objects.ts';
import { effectiveResources } from '../../lib/watermark/effective-resources.ts';
import { podUsage } from '../../lib/watermark/pod-usage.ts';

const mi = (amount: number) => `${amount}Mi`;

interface Shape {
  readonly limits: readonly (number | undefined)[];
  readonly used: readonly number[];
  readonly sidecar: number | undefined;
  readonly own: number | undefined;
  readonly overhead: number | undefined;
  readonly debugs: number | undefined;
}

const shapes: fc.Arbitrary<Shape> = fc.integer({ min: 1, max: 3 }).chain((count) =>
  fc.record({
    limits: fc.array(fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined, freq: 4 }), {
      minLength: count,
      maxLength: count,
    }),
    used: fc.array(fc.integer({ min: 0, max: 600 }), { minLength: count + 1, maxLength: count + 1 }),
    sidecar: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
    own: fc.option(fc.integer({ min: 1, max: 1500 }), { nil: undefined }),
    overhead: fc.option(fc.integer({ min: 1, max: 100 }), { nil: undefined }),
    debugs: fc.option(fc.integer({ min: 0, max: 600 }), { nil: undefined }),
  }),
);

const limited = (amount: number | undefined) =>
  amount === undefined ? {} : { resources: { limits: { memory: mi(amount) } } };

const podOf = ({ limits, sidecar, own, overhead }: Shape): Pod => ({
  metadata: { name: 'a', namespace: 'shop' },
  spec: {
    containers: limits.map((limit, n) => ({ name: `c${n}`, ...limited(limit) })),
    initContainers: sidecar === undefined ? [] : [{ name: 'side', restartPolicy: 'Always', ...limited(sidecar) }],
    ...(own === undefined ? {} : { resources: { limits: { memory: mi(own) } } }),
    ...(overhead === undefined ? {} : { overhead: { memory: mi(overhead) } }),
  },
  status: { phase: 'Running' },
});

const usageOf = ({ limits, used, sidecar, debugs }: Shape): Map<string, number> =>
  new Map([
    ...limits.map((_, n) => [`c${n}`, used[n] ?? 0] as const),
    ...(sidecar === undefined ? [] : [['side', used.at(-1) ?? 0] as const]),
    ...(debugs === undefined ? [] : [['debugger', debugs] as const]),
  ]);

/** The fullest of every container and, where there is a bound for the whole, the pod; with every sum worked out. */
const expectedOf = (shape: Shape): number | undefined => {
  const usage = usageOf(shape);
  const bounds = [
    ...shape.limits.map((limit, n) => [`c${n}`, limit] as const),
    ...(shape.sidecar === undefined ? [] : [['side', shape.sidecar] as const]),
  ];
  const ratios = bounds.flatMap(([name, limit]) => (limit === undefined ? [] : [(usage.get(name) ?? 0) / limit]));
  const total = [...usage.values()].reduce((a, b) => a + b, 0);
  const whole = effectiveResources(podOf(shape), { useStatus: true, usePodStatus: true }).limits['memory'];
  const isBounded = shape.own !== undefined || (bounds.length > 1 && bounds.every(([, limit]) => limit !== undefined));
  if (isBounded && whole !== undefined && whole > 0n) ratios.push((total * 2 ** 20) / (Number(whole) / 1e9));
  return ratios.length === 0 ? undefined : Math.max(...ratios);
};

test('a pod is as full as its fullest container or, where the whole is bounded, as the whole', () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      const containers = [...usageOf(shape)].map(([name, used]) => ({ name, usage: { memory: mi(used) } }));
      const pod = podOf(shape);
      const { series } = podUsage(
        { cluster: 'prod', at: 0, pods: [pod], podMetrics: [{ metadata: pod.metadata, containers }] },
        'memory',
        { gauge: 'pod-memory', against: 'limit' },
      );
      const expected = expectedOf(shape);
      const value = series[0]?.value;
      if (expected === undefined) assert.equal(value, undefined);
      else assert.ok(value !== undefined && Math.abs(value - expected) < 1e-9, `${value}, not ${expected}`);
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 2000) },
  );
});
