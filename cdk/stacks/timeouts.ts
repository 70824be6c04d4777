import { Duration } from 'aws-cdk-lib';

/** How long each function may run; queues derive their visibility timeout from it. */
export const functionTimeouts = {
  /** A tick every 30 s; one that takes longer than two is stuck. */
  evaluateWatermarks: Duration.seconds(60),
  /** Bodies are at most 6 MB: seconds of work. */
  collectSpans: Duration.seconds(30),
  /** A window of 100,000 spans is read, assembled and scored in one go. */
  scoreTraces: Duration.seconds(120),
  /**
   * No request begins later than 12 s after a turn was taken, and none takes longer than 10 s. A process ends before its lease does
   * (30 s, lib/alert/turn.ts), so that no two work at one turn; and what one that died had not stored comes again after 3 minutes.
   */
  deliverAlerts: Duration.seconds(30),
} as const;
