import type { Alert } from '../model/alert.ts';
import type { Chunk, Notification, Saying, Style } from './channel.ts';
import type { Markup } from './markup.ts';
import { detailsOf, type Said, say, worstFirst } from './say.ts';

/** How a tool that takes several alerts in one message lays them out. */
export interface Layout<Message> {
  readonly markup: Markup;
  readonly maxBytes: number;
  /** The message; undefined when its parts cannot be laid out within the tool's other limits, so that less is to be said. */
  readonly compose: (said: Said, style: Style) => Message | undefined;
  /** What `maxBytes` is about. */
  readonly measure: (message: Message) => number;
}

/** Whatever is formed in time may become late before it is taken: there must be room to say so. */
const lateAtLast = (chunk: Chunk): Chunk => {
  const { notification } = chunk;
  const lateOf = notification.alerts.map(({ fingerprint }) => fingerprint);
  return { ...chunk, notification: { ...notification, lateMinutes: 99_999, lateOf } };
};

const inTime = (chunk: Chunk): Chunk => {
  const { lateMinutes: _, lateOf: __, ...notification } = chunk.notification;
  return { ...chunk, notification };
};

/** Alerts in one message at the very most; more would not be read. */
const mostAlerts = 100;

/** Message and plan of a tool that takes several alerts in one message. */
export const packed = <Message>({ markup, maxBytes, compose, measure }: Layout<Message>) => {
  const message = (chunk: Chunk, style: Style, saying: Saying, deliveryId: string): Message | undefined => {
    for (const detail of detailsOf(chunk)) {
      const made = compose(say(chunk, { style, saying, deliveryId, markup, detail }), style);
      if (made !== undefined && measure(made) <= maxBytes) return made;
    }
    return undefined;
  };
  /** In full detail, that is: what must be cut down to fit goes with fewer others, or alone. */
  const fits = (chunk: Chunk, style: Style, saying: Saying): boolean => {
    const [detail] = detailsOf(chunk);
    if (detail === undefined) return false;
    const made = compose(say(chunk, { style, saying, deliveryId: '00000000', markup, detail }), style);
    return made !== undefined && measure(made) <= maxBytes;
  };
  const throws = (alert: Alert, style: Style, saying: Saying): boolean => {
    const notification = { receiver: '', groupKey: '', groupLabels: {}, alerts: [alert] };
    try {
      fits(chunkOf(notification, [alert]), style, saying);
      return false;
    } catch {
      return true;
    }
  };
  return {
    message: (chunk: Chunk, style: Style, saying: Saying, deliveryId: string): Message => {
      // What filled its message to the last byte while it was in time is told without the mark rather than not at all.
      const made = message(chunk, style, saying, deliveryId) ?? message(inTime(chunk), style, saying, deliveryId);
      // The least that can be said fits every tool; a template that says much all the same has been cut.
      if (made === undefined) throw new Error('not even the least that can be said fits one message');
      return made;
    },
    plan: (notification: Notification, style: Style, saying: Saying): Chunk[] => {
      const sorted = worstFirst(notification.alerts);
      // Whatever the user's template throws at goes alone, so that the reason takes no other alert with it.
      const bad = new Set(style.template === undefined ? [] : sorted.filter((alert) => throws(alert, style, saying)));
      const good = sorted.filter((alert) => !bad.has(alert));
      // Alone it needs no numbers, and may hold that much more.
      const alone = chunkOf(notification, good);
      const isOne = good.length <= mostAlerts && good.length > 0 && fits(alone, style, saying);
      const split = (form: Form) =>
        chunked(
          notification,
          good,
          (alerts) => fits(lateAtLast(chunkOf(notification, alerts, largest, form)), style, saying),
          form,
        );
      const full = isOne ? [alone] : split({});
      const chunks = full.length > stormMessages ? split({ brief: true }) : full;
      return numbered([...chunks, ...[...bad].map((alert) => chunkOf(notification, [alert]))]);
    },
  };
};

/** Where so many messages would be needed at once, each alert is said in brief: there are too many to be read one by one. */
const stormMessages = 4;

type Form = Pick<Chunk, 'brief'>;

/** Numbers that need no less room than the real ones. */
const largest = { part: 999, parts: 999 };

const chunkOf = (
  notification: Notification,
  alerts: readonly Alert[],
  place = { part: 1, parts: 1 },
  form: Form = {},
): Chunk => ({
  kind: 'message',
  notification: { ...notification, alerts },
  ...place,
  ...form,
});

const numbered = (chunks: readonly Chunk[]): Chunk[] =>
  chunks.map((chunk, at) => ({ ...chunk, part: at + 1, parts: chunks.length }));

/** Chunks of alerts that fit, in their order and each with as many as can be found to fit; one that does not goes alone. */
export const chunked = (
  notification: Notification,
  alerts: readonly Alert[],
  fits: (some: readonly Alert[]) => boolean,
  form: Form = {},
): Chunk[] => numbered(portions(alerts, fits).map((some) => chunkOf(notification, some, undefined, form)));

/** Cuts a list into runs that fit, each as long as can be found. */
const portions = (alerts: readonly Alert[], fits: (some: readonly Alert[]) => boolean): Alert[][] => {
  const found: Alert[][] = [];
  let guess = 8;
  for (let at = 0; at < alerts.length; ) {
    const most = Math.min(mostAlerts, alerts.length - at);
    // So many fit, or it is a single one; so many do not, or are not there.
    let good = 1;
    let bad = most + 1;
    for (let next = guess; good + 1 < bad; next = bad > most ? good * 2 : (good + bad) >> 1) {
      const count = Math.max(good + 1, Math.min(next, bad - 1));
      if (fits(alerts.slice(at, at + count))) good = count;
      else bad = count;
    }
    found.push(alerts.slice(at, at + good));
    at += good;
    guess = good;
  }
  return found;
};
