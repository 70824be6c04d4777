import { readLetter } from '../../../lib/alert/give-up.ts';
import { rankOf } from '../../../lib/alert/identity.ts';
import { type Alert, alert as anAlert } from '../../../lib/model/alert.ts';
import type { AlertsConfig } from '../../../lib/model/config/alerts.ts';
import { type Robot, webhookRobot, wecomRobot } from '../robots/index.ts';
import { seeded } from './time.ts';
import { channelOf, type Faults, simulate } from './world.ts';

/** The faults that the delivery path is held against. */
export const everything: Faults = {
  serverErrors: 0.1,
  errorCodes: 0.05,
  timeoutsAfterAccept: 0.05,
  resets: 0.02,
  crashes: 0.01,
  duplicates: 0.05,
  reorderMs: 2000,
};

export interface Verdict {
  readonly seed: number;
  /** States of alerts that were raised: firings and resolutions. */
  readonly alerts: number;
  /** States that nobody saw, neither themselves nor a later one, at a receiver that was to be told or one that stands in for it. */
  readonly lost: number;
  /** States that people saw more than once at one destination. */
  readonly duplicates: number;
  /** As many may be: one for each answer that never came and each process that died. */
  readonly duplicatesAllowed: number;
  readonly duplicatesIdempotent: number;
  /** States seen more than five minutes after they were to be, each marked as late. */
  readonly late: number;
  readonly lateUnmarked: number;
  /** Attempts before a destination had allowed them. */
  readonly early: number;
  /** States seen after a later one. */
  readonly outOfOrder: number;
  /** States told by a later one alone, since it had come before they could be. */
  readonly merged: number;
  readonly deadLetters: number;
  readonly attempts: number;
  readonly crashes: number;
  readonly timeoutsAfterAccept: number;
  readonly invocations: number;
  readonly virtualMinutes: number;
}
