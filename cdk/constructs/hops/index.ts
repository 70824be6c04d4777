import type { Hop } from '../hop.ts';
import { eventRule } from './event-rule.ts';
import { eventSubscriber } from './event-subscriber.ts';
import { pipe } from './pipe.ts';
import { schedule } from './schedule.ts';
import { snsSubscription } from './sns-subscription.ts';
import { stateMachine } from './state-machine.ts';
import { tableStream } from './table-stream.ts';

/** Every kind of hop that `validateContext` knows to lose a context. */
export const hops: readonly Hop[] = [
  eventRule,
  snsSubscription,
  pipe,
  schedule,
  eventSubscriber,
  tableStream,
  stateMachine,
];
