import { effectiveResources } from '../../../lib/watermark/effective-resources.ts';
import { readQuantity } from '../../../lib/watermark/quantity.ts';
import { aPodOfEveryKind, aQuantityText, seeded } from '../../support/watermark-cases.ts';
import { type Part, same } from '../part.ts';
import { answersOf, renewVectors, versionIn } from '../support/oracle.ts';
import { goSource } from '../tools.ts';

const tool = goSource('kubernetes', 'kubernetes');
const quantityCount = 200_000;
const podCount = 20_000;

/** Kubernetes' own Go code reads the same quantities and adds up the same pods as ours. */
export const part: Part = {
  name: 'kubernetes',
  title: 'Kubernetes quantities and pod resources',
  tools: [tool],
  run: async (report) => {
    const seed = Number(process.env['INTEROP_SEED'] ?? 20_261_124);
    const apimachinery = report.peer('k8s.io/apimachinery', versionIn('kubernetes', 'k8s.io/apimachinery'));
    const random = seeded(seed);
    const texts = [...new Set(Array.from({ length: quantityCount }, () => aQuantityText(random)))];
    type Read = { readonly nanos?: string };
    const read = await answersOf<Read>(
      tool,
      texts.map((quantity) => ({ quantity })),
    );
    await apimachinery.holds(
      `ParseQuantity answers as ours for ${texts.length} texts (seed ${seed}), ${read.filter(({ nanos }) => nanos === undefined).length} of them refused by both`,
      () => {
        for (const [index, text] of texts.entries()) {
          const ours = readQuantity(text);
          same('nanos' in ours ? String(ours.nanos) : undefined, read[index]?.nanos, JSON.stringify(text));
        }
      },
    );
    const helpers = report.peer('k8s.io/component-helpers', versionIn('kubernetes', 'k8s.io/component-helpers'));
    const pods = Array.from({ length: podCount }, (_, index) => aPodOfEveryKind(random, index));
    type Lists = { readonly requests: Record<string, string>; readonly limits: Record<string, string> };
    type Summed = { readonly spec: Lists; readonly status: Lists; readonly podStatus: Lists };
    const summed = await answersOf<Summed>(
      tool,
      pods.map((pod) => ({ pod })),
    );
    await helpers.holds(
      `PodRequests and PodLimits are ours for ${pods.length} pods: by spec, by the status of containers, and by that of the pod`,
      () => {
        for (const [index, pod] of pods.entries()) {
          for (const [mode, options] of modes) {
            const { requests, limits, refused } = effectiveResources(pod, options);
            const ours = { requests: textsOf(requests), limits: textsOf(limits) };
            same(refused.length, 0, 'quantities refused');
            same(ours, summed[index]?.[mode], `${mode} of ${JSON.stringify(pod)}`);
          }
        }
      },
    );
    helpers.leaves('resource claims of DRA, an alpha feature that ours does not read');
    renewVectors(
      'quantities',
      texts.slice(0, 3000).map((text, index) => [text, read[index]?.nanos ?? null]),
    );
    renewVectors(
      'effective-resources',
      pods.slice(0, 300).map((pod, index) => ({ pod, expected: summed[index] })),
    );
  },
};

const modes = [
  ['spec', {}],
  ['status', { useStatus: true }],
  ['podStatus', { useStatus: true, usePodStatus: true }],
] as const;

const textsOf = (amounts: Readonly<Record<string, bigint>>): Record<string, string> =>
  Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, String(amount)]));
