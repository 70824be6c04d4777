import type { Alert } from '../model/alert.ts';
import type { Labels } from '../model/matchers.ts';
import type { Item } from '../model/ports.ts';

/** One state of one alert that waits for its receiver: `lane#<receiver>` / `out#<severity>#<group>#<fingerprint>`. */
export interface Waiting extends Item {
  readonly alert: Alert;
  readonly rank: number;
  readonly group: string;
  readonly groupKey: string;
  readonly groupLabels: Labels;
  /** Since when it waits: what is told much later is marked as late. */
  readonly since: number;
  /** It is told again: when it was told last. */
  readonly repeatOf?: number;
  /** The chunk that has claimed it in the notification log and handed it on. */
  readonly owner?: string;
  /** The receiver in whose place this one stands; the notification log is kept under its name. */
  readonly for?: string;
  /** Receivers that did not take it. */
  readonly tried?: readonly string[];
  /** Its dead letter was sent again by a person. */
  readonly replayed?: true;
}

/** The notification log: what was told last of one alert of a group, or is on its way: `told#<receiver>#<group>` / fingerprint. */
export interface Told extends Item {
  readonly rank: number;
  readonly at: number;
  /** The chunk that carries it. */
  readonly chunk: string;
  /** Nobody took it; it is among the dead letters. */
  readonly dead?: true;
}

/** What must not wait behind others: critical alerts, and the ends of alerts. */
export const isPriority = ({ status, labels }: Alert): boolean =>
  status === 'resolved' || labels['severity'] === 'critical';

const order = { critical: '0', warning: '1', info: '2' } as const;

/** The worst come first in the order of keys. Severity is a label, so that all states of an alert have one key. */
export const outKey = (receiver: string, group: string, alert: Alert, standsFor?: string): [pk: string, sk: string] => [
  `lane#${receiver}`,
  `out#${order[alert.labels['severity'] as keyof typeof order] ?? '1'}#${group}#${alert.fingerprint}${standsFor === undefined ? '' : `#${standsFor}`}`,
];
