import { Failure } from '../model/failure.ts';
import type { Clock, Secrets } from '../model/ports.ts';

/** A rotated secret is picked up within this time. */
const cacheMs = 5 * 60_000;

/** Texts of Secrets Manager secrets and SSM parameters, kept for five minutes. A message names the reference, never the text. */
export const awsSecrets = (options: { readonly clock: Clock }): Secrets => {
  const kept = new Map<string, { readonly text: Promise<string>; readonly until: number }>();
  return (reference, { fresh = false } = {}) => {
    const found = kept.get(reference);
    if (!fresh && found !== undefined && found.until > options.clock()) return found.text;
    const text = read(reference);
    kept.set(reference, { text, until: options.clock() + cacheMs });
    // A failed read is not kept: the next one asks again.
    text.catch(() => kept.delete(reference));
    return text;
  };
};

const read = async (reference: string): Promise<string> => {
  const [scheme, ...rest] = reference.split(':');
  const name = rest.join(':');
  try {
    const text =
      scheme === 'secretsmanager'
        ? await fromSecretsManager(name)
        : scheme === 'ssm'
          ? await fromParameters(name)
          : undefined;
    if (text !== undefined && text !== '') return text;
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
