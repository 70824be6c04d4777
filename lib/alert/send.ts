import type { ReceiverConfig } from '../model/config/alerts.ts';
import { Failure } from '../model/failure.ts';
import type { Clock, Crypto, Http, HttpResponse, Secrets } from '../model/ports.ts';
import type { Chunk, Saying, Style, Target } from './channel.ts';
import { channels } from './channels/index.ts';
import { failureVerdict, type Verdict } from './verdict.ts';

export interface SendingPorts {
  readonly http: Http;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly crypto: Crypto;
}

/**
 * One attempt at one chunk: reads the secrets, sends, judges. Never rejects. When the destination refuses the secret, a fresh one
 * is read and, if it differs, tried at once: a rotation then costs no attempt.
 */
export const sendChunk = async (
  chunk: Chunk,
  configured: ReceiverConfig,
  saying: Saying & { readonly deliveryId: string },
  ports: SendingPorts,
): Promise<Verdict> => {
  const first = await once(chunk, configured, saying, ports, false);
  if (first.verdict.kind !== 'permanent' || first.verdict.credentials !== true) return first.verdict;
  const target = await targetOf(chunk.notification.receiver, configured, ports.secrets, { fresh: true });
  if ('kind' in target || JSON.stringify(target) === JSON.stringify(first.target)) return first.verdict;
  return (await once(chunk, configured, saying, ports, target)).verdict;
};

const once = async (
  chunk: Chunk,
  configured: ReceiverConfig,
  saying: Saying & { readonly deliveryId: string },
  { http, secrets, clock, crypto }: SendingPorts,
  given: Target | false,
): Promise<{ readonly verdict: Verdict; readonly target?: Target }> => {
  const target = given === false ? await targetOf(chunk.notification.receiver, configured, secrets) : given;
  if ('kind' in target) return { verdict: target };
  const channel = channels[configured.channel];
  let response: HttpResponse;
  try {
    response = await http(channel.request(chunk, target, { ...saying, now: clock(), crypto }));
  } catch (thrown) {
    return { verdict: failureVerdict(Failure.from(thrown)), target };
  }
  return { verdict: channel.verdict(response, clock()), target };
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
    const { url = channels[configured.channel].url ?? '', secret = [], headers } = configured;
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
  ...(language === undefined ? {} : { language }),
  ...(mention === undefined ? {} : { mention }),
  ...(template === undefined ? {} : { template }),
  ...(picture === undefined ? {} : { picture }),
  ...(format === undefined ? {} : { format }),
});

const isReference = (value: string): boolean => /^(secretsmanager|ssm):/.test(value);
