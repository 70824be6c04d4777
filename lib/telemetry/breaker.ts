import type { BreakerConfig } from '../model/config/telemetry.ts';

/** What the process is short of. */
export type Shortage = 'cpu' | 'export' | 'collections';

export interface BreakerState {
  readonly open: boolean;
  /** What opened it, or keeps it open. */
  readonly reasons: readonly Shortage[];
}

/** Whether this process should do less. Fed with what was measured; times in milliseconds of one clock. */
export interface Breaker {
  /** The share of the CPU that was used between two times. */
  readonly cpu: (share: number, from: number, to: number) => void;
  /** How long an export took. */
  readonly exported: (ms: number, at: number) => void;
  /** A major collection of garbage. */
  readonly collected: (at: number) => void;
  /** Time has passed. */
  readonly tick: (at: number) => void;
  readonly state: BreakerState;
}

const minute = 60_000;
/** Export times of a minute that are kept; a percentile of more says nothing else. */
const maxTimes = 512;
/** It closes after so long without any of the conditions at their lower bound. */
const holdMs = 60_000;
/** The bounds below which a condition counts as gone, as a share of those that open it. */
const release = 0.8;

/**
 * Opens on the CPU at 85 % for 30 s, on a 99th percentile of export times over 5 s, or on three major collections within a minute.
 * Closes when all of them have stayed below four fifths of that for a minute, so that it does not tremble.
 */
export const breaker = (config: BreakerConfig = {}, onChange?: (state: BreakerState) => void): Breaker => {
  const { cpuShare = 0.85, cpuSeconds = 30, exportP99Ms = 5000, majorCollections = 3 } = config;
  let busySince: number | undefined;
  let lastShare = 0;
  const exports: { readonly at: number; readonly ms: number }[] = [];
  const collections: number[] = [];
  let state: BreakerState = { open: false, reasons: [] };
  let quietSince: number | undefined;

  const shortages = (at: number, factor: number): Shortage[] => {
    const found: Shortage[] = [];
    const isBusy = busySince !== undefined && at - busySince >= cpuSeconds * 1000;
    if (factor === 1 ? isBusy : lastShare >= cpuShare * factor) found.push('cpu');
    if (p99(exports) > exportP99Ms * factor) found.push('export');
    if (collections.length >= Math.max(1, majorCollections * factor)) found.push('collections');
    return found;
  };

  const tick = (at: number): void => {
    while (exports[0] !== undefined && at - exports[0].at >= minute) exports.shift();
    while (collections[0] !== undefined && at - collections[0] >= minute) collections.shift();
    const reasons = shortages(at, state.open ? release : 1);
    if (!state.open) {
      if (reasons.length > 0) become({ open: true, reasons });
      quietSince = undefined;
      return;
    }
    if (reasons.length > 0) {
      quietSince = undefined;
      return;
    }
    quietSince ??= at;
    if (at - quietSince >= holdMs) become({ open: false, reasons: [] });
  };
  const become = (next: BreakerState): void => {
    state = next;
    onChange?.(next);
  };

  return {
    cpu: (share, from, to) => {
      lastShare = share;
      busySince = share >= cpuShare ? (busySince ?? from) : undefined;
      tick(to);
    },
    exported: (ms, at) => {
      exports.push({ at, ms });
      if (exports.length > maxTimes) exports.shift();
      tick(at);
    },
    collected: (at) => {
      collections.push(at);
      tick(at);
    },
    tick,
    get state() {
      return state;
    },
  };
};

/** By nearest rank; 0 of nothing. */
const p99 = (exports: readonly { readonly ms: number }[]): number => {
  if (exports.length === 0) return 0;
  const sorted = exports.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.ceil(0.99 * sorted.length) - 1] as number;
};
