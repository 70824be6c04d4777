import { channels } from '#tidemark.channels';
import type { ReceiverConfig } from '../model/config/alerts.ts';
import { Failure } from '../model/failure.ts';
import { given } from '../model/given.ts';
import type { Bucket, Clock, Crypto, Http, HttpRequest, Secrets } from '../model/ports.ts';
import type { Channel, Chunk, Saying, Style, Target } from './channel.ts';
import { hideSecrets } from './hide-secrets.ts';
import { pictureKey } from './picture.ts';
import { failureVerdict, type Verdict } from './verdict.ts';

export interface SendingPorts {
  readonly http: Http;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly crypto: Crypto;
  /** Where pictures are kept; without it none is sent. */
  readonly pictures?: Pick<Bucket, 'get'>;
}

/**
 * One attempt at one chunk: reads the secrets, sends, judges. Never rejects. When the destination refuses the secret, a fresh one
 * is read and, if it differs, tried at once, and then those that it replaces: a rotation then costs no attempt.
 */
export const sendChunk = async (
  chunk: Chunk,
  configured: ReceiverConfig,
  saying: Saying & { readonly deliveryId: string },
  ports: SendingPorts,
): Promise<Verdict> => {
  const { receiver } = chunk.notification;
  const channel = channels[configured.channel] as Channel | undefined;
  if (channel === undefined)
    return { kind: 'permanent', reason: `this function was built without the channel '${configured.channel}'` };
  const cached = await targetOf(receiver, configured, ports.secrets);
  if ('kind' in cached) return cached;
  const verdict = await once(chunk, configured, saying, ports, cached);
  if (!isRefusal(verdict)) return verdict;
  const fresh = await targetOf(receiver, configured, ports.secrets, { fresh: true });
  if ('kind' in fresh) return verdict;
  const isSame = JSON.stringify(fresh) === JSON.stringify(cached);
  const { secrets = [] } = fresh;
  const older = channel.signsWithAll === true ? [] : secrets.slice(1);
  for (const target of [...(isSame ? [] : [fresh]), ...older.map((secret) => ({ ...fresh, secrets: [secret] }))]) {
    const next = await once(chunk, configured, saying, ports, target);
    if (!isRefusal(next)) return next;
  }
  return verdict;
};

const isRefusal = (verdict: Verdict): boolean => verdict.kind === 'permanent' && verdict.credentials === true;

const once = async (
  chunk: Chunk,
  configured: ReceiverConfig,
  saying: Saying & { readonly deliveryId: string },
  { http, clock, crypto, pictures }: SendingPorts,
  target: Target,
): Promise<Verdict> => {
  const channel: Channel = channels[configured.channel];
  let request: HttpRequest;
  let picture: Uint8Array | undefined;
  try {
    picture = await shownIn(chunk, pictures);
  } catch (thrown) {
    return { kind: 'retry', reason: Failure.from(thrown).message, ours: true };
  }
  try {
    request = channel.request(chunk, target, {
      ...saying,
      ...given({ picture }),
      now: clock(),
      crypto,
    });
  } catch (thrown) {
    // A template or a secret of ours is at fault; the next attempt would find it so, too.
    return hideSecrets(target, { kind: 'permanent', reason: `cannot be written: ${Failure.from(thrown).message}` });
  }
  try {
    return hideSecrets(target, channel.verdict(await http(request), clock()));
  } catch (thrown) {
    return hideSecrets(target, failureVerdict(Failure.from(thrown)));
  }
};

const shownIn = async ({ kind, notification }: Chunk, pictures: SendingPorts['pictures']) => {
  const [alert] = notification.alerts;
  const key = kind === 'picture' && alert !== undefined ? pictureKey(alert) : undefined;
  return key === undefined ? undefined : pictures?.get(key);
};

/** A receiver with its secrets read, or the verdict on their absence. */
export const targetOf = async (
  name: string,
  configured: ReceiverConfig,
  secrets: Secrets,
  options: { readonly fresh?: boolean } = {},
): Promise<Target | Verdict> => {
  const text = (value: string): Promise<string> =>
    isReference(value) ? secrets(value, options) : Promise.resolve(value);
  try {
    const channel: Channel = channels[configured.channel];
    const { url = channel.url ?? '', secret = [], headers } = configured;
    return {
      ...styleOf(configured),
      name,
      url: await text(url),
      secrets: await Promise.all([secret].flat().map(text)),
      ...(headers === undefined
        ? {}
        : {
            headers: Object.fromEntries(
              await Promise.all(Object.entries(headers).map(async ([header, value]) => [header, await text(value)])),
            ),
          }),
    };
  } catch (thrown) {
    const { code, message } = Failure.from(thrown);
    // A secret that is not there will not be there at the next attempt; one that cannot be read just now may be.
    if (code === 'not-found' || code === 'misconfigured' || code === 'unauthorised')
      return { kind: 'permanent', reason: message };
    return { kind: 'retry', reason: message, ours: true };
  }
};

const styleOf = ({ language, mention, template, picture, format }: ReceiverConfig): Style => ({
  ...given({ language, mention, template, picture, format }),
});

const isReference = (value: string): boolean => /^(secretsmanager|ssm):/.test(value);
