import { arrive } from './arrive.ts';
import { attributeText } from './attribute.ts';
import type { Delivering } from './delivering.ts';
import { drain } from './drain.ts';
import { flush } from './flush.ts';
import { readLetter, revive } from './give-up.ts';
import { leftOut, type Refusal, readAlerts } from './inbound.ts';
import { readTurn } from './turn.ts';

/**
 * Handles one message of the alerts queue: alerts that come in, a group or a lane whose turn it is, or a dead letter that a person
 * sent again. Rejects when the state table or the queue cannot be reached: then it comes again. `sentAt`, in milliseconds since the epoch,
 * is when it was put into the queue, which may have been long before a process lived long enough to handle it.
 */
export const deliver = async (body: string, delivering: Delivering, sentAt?: number): Promise<void> => {
  const value = parsed(body);
  const turn = readTurn(value);
  if (turn !== undefined) return turn.turn === 'flush' ? flush(turn, delivering) : drain(turn, delivering);
  const letter = readLetter(value);
  if (letter !== undefined) return revive(letter, delivering);
  const cameAt = Math.min(delivering.clock(), sentAt ?? Number.POSITIVE_INFINITY);
  const read = readAlerts(body, cameAt);
  const refused = 'error' in read ? [{ where: 'body', reason: read.error }] : (read.refused ?? []);
  if (!('error' in read)) for (const alert of read.alerts) await arrive(alert, delivering, cameAt);
  if (refused.length > 0) await bury(body, refused, delivering);
};

/** What cannot be read now cannot be read at the tenth attempt: it goes to the dead letters at once, with the reason. */
const bury = async (
  body: string,
  refused: readonly Refusal[],
  { deadLetters, log }: Pick<Delivering, 'deadLetters' | 'log'>,
): Promise<void> => {
  const reason = refused.map(({ where, reason: why }) => `${where} ${why}`).join('; ');
  log('error', 'alerts refused', { refused: refused.length, reason: reason.slice(0, 1000) });
  // What the sender itself has left out is not in the body either.
  if (refused.every(({ where }) => where === leftOut)) return;
  await deadLetters.send([{ body, attributes: { reason: attributeText(reason) } }]);
};

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};
