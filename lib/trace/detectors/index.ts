import type { Detector } from '../detector.ts';
import { brokenChain } from './broken-chain.ts';
import { errorBurst } from './error-burst.ts';
import { longTail } from './long-tail.ts';
import { missingCall } from './missing-call.ts';
import { newCall } from './new-call.ts';

/** Keyed by configured name. */
export const detectors = {
  'error-burst': errorBurst,
  'long-tail': longTail,
  'broken-chain': brokenChain,
  'new-call': newCall,
  'missing-call': missingCall,
} as const satisfies Record<string, Detector>;
export type DetectorName = keyof typeof detectors;
