import { Failure } from '../model/failure.ts';
import { arrive } from './arrive.ts';
import type { Delivering } from './delivering.ts';
import { drain } from './drain.ts';
import { flush } from './flush.ts';
import { readLetter, revive } from './give-up.ts';
import { readAlerts } from './inbound.ts';
import { readTurn } from './turn.ts';

/**
 * Handles one message of the alerts queue: alerts that come in, a group or a lane whose turn it is, or a dead letter that a person
 * sent again. Rejects when the state table or the queue cannot be reached, or the message is none of these: then it comes again.
 */
export const deliver = async (body: string, delivering: Delivering): Promise<void> => {
  const value = parsed(body);
  const turn = readTurn(value);
  if (turn !== undefined) return turn.turn === 'flush' ? flush(turn, delivering) : drain(turn, delivering);
  const letter = readLetter(value);
  if (letter !== undefined) return revive(letter, delivering);
  const read = readAlerts(body);
  if ('error' in read) throw new Failure('bad-input', read.error, { where: 'body' });
  for (const alert of read.alerts) await arrive(alert, delivering);
};

const parsed = (body: string): unknown => {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
};
