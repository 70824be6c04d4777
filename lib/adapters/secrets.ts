import { Failure } from '../model/failure.ts';
import type { Clock, Secrets } from '../model/ports.ts';

/** A rotated secret is picked up within this time. */
const cacheMs = 5 * 60_000;
/** Where the store does not answer, what was read last is good for so long: an outage of it must not silence alerts. */
const staleMs = 3_600_000;

/** Texts of Secrets Manager secrets and SSM parameters, kept for five minutes. A message names the reference, never the text. */
export const awsSecrets = (options: {
  readonly clock: Clock;
  /** Handed in by tests. @default Secrets Manager and SSM */
  readonly read?: (reference: string) => Promise<string>;
}): Secrets => {
  const { clock, read = readSecret } = options;
  const kept = new Map<string, { readonly text: Promise<string>; readonly until: number }>();
  const last = new Map<string, { readonly text: string; readonly at: number }>();
  const readOrLast = async (reference: string): Promise<string> => {
    try {
      const text = await read(reference);
      last.set(reference, { text, at: clock() });
      return text;
    } catch (thrown) {
      // A failed read is not kept: the next one asks again.
      kept.delete(reference);
      const before = last.get(reference);
      if (Failure.from(thrown).code !== 'unavailable' || before === undefined || clock() - before.at > staleMs)
        throw thrown;
      return before.text;
    }
  };
  return (reference, { fresh = false } = {}) => {
    const found = kept.get(reference);
    if (!fresh && found !== undefined && found.until > clock()) return found.text;
    const text = readOrLast(reference);
    kept.set(reference, { text, until: clock() + cacheMs });
    return text;
  };
};

const readSecret = async (reference: string): Promise<string> => {
  const [scheme, ...rest] = reference.split(':');
  const name = rest.join(':');
  try {
    const text =
      scheme === 'secretsmanager'
        ? await fromSecretsManager(name)
        : scheme === 'ssm'
          ? await fromParameters(name)
          : undefined;
    // An editor's line break at the end belongs to no secret, and to no header.
    const trimmed = text?.replace(/[\r\n]+$/, '') ?? '';
    if (trimmed !== '') return trimmed;
  } catch (thrown) {
    const code = (thrown as { name?: string }).name ?? '';
    throw new Failure(/NotFound/.test(code) ? 'not-found' : 'unavailable', code, { where: reference, cause: thrown });
  }
  throw new Failure('misconfigured', 'holds no text; secretsmanager:name or ssm:name is expected', {
    where: reference,
  });
};

const fromSecretsManager = async (name: string): Promise<string | undefined> => {
  const { GetSecretValueCommand, SecretsManagerClient } = await import('@aws-sdk/client-secrets-manager');
  return (await new SecretsManagerClient({}).send(new GetSecretValueCommand({ SecretId: name }))).SecretString;
};

const fromParameters = async (name: string): Promise<string | undefined> => {
  const { GetParameterCommand, SSMClient } = await import('@aws-sdk/client-ssm');
  return (await new SSMClient({}).send(new GetParameterCommand({ Name: name, WithDecryption: true }))).Parameter?.Value;
};
