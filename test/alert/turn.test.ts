import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { giveBack, readTurn, type TurnMessage, type TurnPorts, take, turnKey, wake } from '../../lib/alert/turn.ts';
import type { Queue } from '../../lib/model/ports.ts';
import { memoryTable } from '../support/memory.ts';

const turn = { kind: 'flush', id: 'payments' } as const;
const start = 1_760_000_000_000;
const hour = 3_600_000;

/** Ports with a queue that can hand a message over before the send has returned, as one with idle consumers does. */
const bench = () => {
  let now = start;
  const clock = () => now;
  const table = memoryTable(clock);
  const sent: (TurnMessage & { readonly delaySeconds: number })[] = [];
  let onSend: ((message: TurnMessage) => Promise<unknown>) | undefined;
  const again: Queue = {
    send: async (messages) => {
      for (const { body, delaySeconds = 0 } of messages) {
        const message = readTurn(JSON.parse(body));
        assert.ok(message, body);
        sent.push({ ...message, delaySeconds });
        const consume = onSend;
        onSend = undefined;
        await consume?.(message);
      }
    },
  };
  const ports: TurnPorts = { table, again, clock };
  return {
    ports,
    sent,
    onNextSend: (consume: (message: TurnMessage) => Promise<unknown>) => {
      onSend = consume;
    },
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
    now: clock,
    item: () => table.get(turnKey(turn).pk, 'turn'),
  };
};

const atOnce = (_: unknown, now: number) => now;

/** A group that was flushed and is to be repeated in an hour. */
const resting = async () => {
  const given = bench();
  await wake(turn, atOnce, given.ports);
  const held = await take(turn, given.sent[0] as TurnMessage, given.ports);
  assert.ok(held);
  await giveBack(turn, held, start + hour, given.ports);
  given.pass(60_000);
  return given;
};

describe('a turn', () => {
  it('is taken by a message that outruns the write of its sender, and the sender leaves a note', async () => {
    const { ports, sent, onNextSend, item } = await resting();
    let held: Awaited<ReturnType<typeof take>>;
    onNextSend(async (message) => {
      held = await take(turn, message, ports);
    });
    await wake(turn, atOnce, ports);
    assert.ok(held, 'the message is the only one that calls for the work, and must not be dropped');
    assert.equal(typeof (await item())?.['news'], 'number');
    await giveBack(turn, held, start + hour, ports);
    const last = sent.at(-1);
    assert.ok(last !== undefined && last.due <= ports.clock(), 'whoever noted news is looked after at once');
  });

  it('is not taken by a copy of a message whose work is done', async () => {
    const { ports, sent, now } = await resting();
    await wake(turn, atOnce, ports);
    const message = sent.at(-1) as TurnMessage;
    const held = await take(turn, message, ports);
    assert.ok(held);
    await giveBack(turn, held, now() + hour, ports);
    const before = sent.length;
    assert.equal(await take(turn, message, ports), undefined);
    assert.equal(sent.length, before, 'the copy ends here');
  });

  it('is soon asked for again by a message that outruns the one who gives it back', async () => {
    const { ports, sent, onNextSend, now, pass } = await resting();
    await wake(turn, atOnce, ports);
    const held = await take(turn, sent.at(-1) as TurnMessage, ports);
    assert.ok(held);
    onNextSend((message) => take(turn, message, ports));
    await giveBack(turn, held, now(), ports);
    const [sentBack, looksAgain] = sent.slice(-2);
    assert.equal(sentBack?.due, looksAgain?.due);
    assert.equal(looksAgain?.delaySeconds, 1, 'not after the whole lease: it ends with this write');
    pass(1000);
    assert.ok(await take(turn, looksAgain as TurnMessage, ports));
  });

  it('waits out the lease of one who may be dead', async () => {
    const { ports, sent } = await resting();
    await wake(turn, atOnce, ports);
    const message = sent.at(-1) as TurnMessage;
    assert.ok(await take(turn, message, ports));
    assert.equal(await take(turn, message, ports), undefined);
    assert.equal(sent.at(-1)?.delaySeconds, 31);
  });

  it('goes on with a message that comes before both its time and the write of its sender', async () => {
    const { ports, sent, onNextSend, now, pass } = await resting();
    const before = sent.length;
    onNextSend((message) => take(turn, message, ports));
    await wake(turn, (_, at) => at + 5000, ports);
    assert.equal(sent.length, before + 2, 'it is sent on');
    const round = sent.at(-1) as TurnMessage;
    assert.equal(round.due, now() + 5000);
    pass(5000);
    assert.ok(await take(turn, round, ports));
  });
});
