import { Duration } from 'aws-cdk-lib';

/** How long each function may run; queues derive their visibility timeout from it. */
export const functionTimeouts = {
  /** A tick every 30 s; one that takes longer than two is stuck. */
  evaluateWatermarks: Duration.seconds(60),
  /** Bodies are at most 6 MB: seconds of work. */
  collectSpans: Duration.seconds(30),
  /** A window of 100,000 spans is read, assembled and scored in one go. */
  scoreTraces: Duration.seconds(120),
  /** Ten alerts, each with a destination that may take its whole 10 s. */
  deliverAlerts: Duration.seconds(120),
} as const;
