import type { Detector } from '../detector.ts';
import { brokenChain } from './broken-chain.ts';
import { errorBurst } from './error-burst.ts';
import { longTail } from './long-tail.ts';

/** Keyed by configured name. */
export const detectors = {
  'error-burst': errorBurst,
  'long-tail': longTail,
  'broken-chain': brokenChain,
} as const satisfies Record<string, Detector>;
export type DetectorName = keyof typeof detectors;
