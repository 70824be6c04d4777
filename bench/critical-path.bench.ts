import { type Columns, walkPath } from '../lib/trace/walk-path.ts';
import type { Bench } from './index.ts';
import { type JaegerSpan, jaegerPath } from './jaeger-path.ts';
import { quantile, type Result, report } from './measure.ts';

const shapes = ['tree', 'wide', 'deep'] as const;
type Shape = (typeof shapes)[number];

/** Beyond these the peer takes minutes or overflows its stack; it is tried, and said so, at the size that decides. */
const peerLimit: Readonly<Record<Shape, number>> = { tree: 10_000, wide: 10_000, deep: 10_000 };

export const bench: Bench = {
  question: 'what does the critical path of a large trace cost per span, by shape, beside the algorithm of Jaeger UI?',
  run: async ({ json }) => {
    const results: Result[] = [];
    const notes: string[] = ['per span; jaeger-ui is a port of its published algorithm, recursion included'];
    for (const shape of shapes) {
      for (const size of [1000, 10_000, 100_000, 1_000_000]) {
        const columns = generate(shape, size);
        const rounds = size >= 1_000_000 ? 3 : size >= 100_000 ? 9 : 31;
        const times: Record<string, number[]> = { strict: [], robust: [], jaeger: [] };
        for (const mode of ['strict', 'robust'] as const)
          for (let warm = 0; warm < 3; warm += 1) walkPath(columns, 0, mode);
        const spans = size <= peerLimit[shape] ? jaegerSpans(columns) : undefined;
        let isPeerAlive = spans !== undefined;
        for (let round = 0; round < rounds; round += 1) {
          for (const mode of ['strict', 'robust'] as const) {
            times[mode]?.push(timed(() => tiles(columns, walkPath(columns, 0, mode))));
          }
          if (!isPeerAlive || spans === undefined || (shape === 'wide' && size >= 10_000 && round >= 3)) continue;
          try {
            times['jaeger']?.push(timed(() => jaegerPath(spans, '0').length));
          } catch (thrown) {
            isPeerAlive = false;
            notes.push(`jaeger-ui fails on ${shape} ${size}: ${(thrown as Error).message}`);
          }
        }
        const row = (values: readonly number[]) => ({
          median: quantile(values, 0.5) / size,
          p10: quantile(values, 0.1) / size,
          unit: 'ns' as const,
        });
        const peer = isPeerAlive ? row(times['jaeger'] ?? []) : undefined;
        for (const mode of ['strict', 'robust'] as const) {
          const own = row(times[mode] ?? []);
          const variant = mode === 'strict' ? '' : '-robust';
          results.push({
            case: `tidemark/${shape}-${size}${variant}`,
            ...own,
            ...(peer === undefined ? {} : { ratioTo: { 'jaeger-ui': own.p10 / peer.p10 } }),
          });
        }
        if (peer !== undefined) results.push({ case: `jaeger-ui/${shape}-${size}`, ...peer });
      }
    }
    report('critical-path', results, json, notes);
  },
};

const timed = (run: () => unknown): number => {
  const start = process.hrtime.bigint();
  run();
  return Number(process.hrtime.bigint() - start);
};

/** The work is not trusted unread: the sections must tile the root. */
const tiles = ({ starts, ends }: Columns, { length, from, to }: ReturnType<typeof walkPath>): number => {
  if (from[0] !== starts[0] || to[length - 1] !== ends[0]) throw new Error('the sections do not tile the root');
  return length;
};

/** Deterministic traces: four children each one after the other, all under the root, or one under the other. */
const generate = (shape: Shape, size: number): Columns => {
  const parents = new Int32Array(size);
  const kinds = new Uint8Array(size).fill(1);
  const starts = new Float64Array(size);
  const ends = new Float64Array(size);
  parents[0] = -1;
  ends[0] = 1e12;
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  for (let at = 1; at < size; at += 1) {
    const parent = shape === 'tree' ? Math.floor((at - 1) / 4) : shape === 'wide' ? 0 : at - 1;
    const start = starts[parent] as number;
    const length = (ends[parent] as number) - start;
    parents[at] = parent;
    if (shape === 'deep') {
      starts[at] = start + 1;
      ends[at] = start + length - 1;
    } else {
      const slots = shape === 'tree' ? 4 : size - 1;
      const slot = shape === 'tree' ? (at - 1) % 4 : at - 1;
      starts[at] = start + Math.floor((length * (slot + 0.1 * random())) / slots);
      ends[at] = start + Math.floor((length * (slot + 0.6 + 0.35 * random())) / slots);
    }
  }
  return { parents, kinds, starts, ends };
};

const jaegerSpans = ({ parents, starts, ends }: Columns): JaegerSpan[] => {
  const spans = Array.from(
    parents,
    (parent, at): JaegerSpan => ({
      spanID: String(at),
      kind: 'internal',
      parent: parent < 0 ? undefined : String(parent),
      // From 1: at 0 its walk never ends (a start of 0 counts as none).
      startTime: (starts[at] as number) + 1,
      duration: (ends[at] as number) - (starts[at] as number),
      childSpanIds: [],
    }),
  );
  parents.forEach((parent, at) => {
    spans[parent]?.childSpanIds.push(String(at));
  });
  return spans;
};
