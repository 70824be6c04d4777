import { Failure } from './failure.ts';

/** The environment keys that the CDK app sets on every function: names of what was deployed. */
export const environmentKeys = {
  table: 'TIDEMARK_TABLE',
  bucket: 'TIDEMARK_BUCKET',
  bus: 'TIDEMARK_BUS',
  /** URL of the standard queue that holds alerts to be delivered. */
  alertsQueue: 'TIDEMARK_ALERTS_QUEUE',
  /** URL of the queue where alerts end that nobody took. */
  alertsDeadLetters: 'TIDEMARK_ALERTS_DEAD_LETTERS',
  /** URL of the standard queue that carries WindowClosed messages. */
  windowsQueue: 'TIDEMARK_WINDOWS_QUEUE',
  /** Optional: the length of a span window in seconds (60 unless told; local runs compress it). */
  windowSeconds: 'TIDEMARK_WINDOW_SECONDS',
  /** Optional: seconds that a window stays open for late spans. */
  windowSlackSeconds: 'TIDEMARK_WINDOW_SLACK_SECONDS',
  /** Optional: `true` lets webhooks reach loopback and plain http; set by local runs only. */
  allowLoopback: 'TIDEMARK_ALLOW_LOOPBACK',
} as const;

/** The value of a key, or a Failure that names it. */
export const required = (env: Readonly<Record<string, string | undefined>>, key: string): string => {
  const value = env[key];
  if (value === undefined || value === '') {
    throw new Failure('misconfigured', 'is not set; the CDK app sets it on every function', { where: `env.${key}` });
  }
  return value;
};
