import { inhibitRules } from '#tidemark.inhibit';
import type { Alert } from '../model/alert.ts';
import type { AlertsConfig, ReceiverConfig } from '../model/config/alerts.ts';
import type { Clock, Log, Queue, Random, Table } from '../model/ports.ts';
import type { Chunk, Saying } from './channel.ts';
import type { InhibitRule } from './inhibit.ts';
import { allRoutes, type Route, routeTree } from './route.ts';
import type { Verdict } from './verdict.ts';

/** What delivery works with: the configuration, and the world. */
export interface Delivering {
  readonly config: AlertsConfig;
  readonly routing: Routing;
  readonly table: Table;
  /** The alerts queue itself: what must wait goes back there with a delay. */
  readonly again: Queue;
  readonly deadLetters: Queue;
  readonly send: Send;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Told of every firing that people see for the first time, with the seconds since it began. @default nobody is */
  readonly onVisible?: (
    seconds: number,
    of: { readonly receiver: string; readonly channel: string },
    trace: Alert['trace'],
  ) => void;
}

/** One attempt at one chunk; never rejects. */
export type Send = (
  chunk: Chunk,
  configured: ReceiverConfig,
  saying: Saying & { readonly deliveryId: string },
) => Promise<Verdict>;

/** A configuration worked out once, before the first alert. */
export interface Routing {
  readonly root: Route;
  readonly byId: ReadonlyMap<string, Route>;
  readonly inhibit: readonly InhibitRule[];
}

/** Throws a Failure for a matcher that is none; synth has refused it before. */
export const routing = (config: AlertsConfig): Routing => {
  const root = routeTree(config);
  return {
    root,
    byId: new Map(allRoutes(root).map((route) => [route.id, route])),
    inhibit: inhibitRules(config.inhibit),
  };
};
