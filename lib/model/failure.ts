/** Every way in which tidemark refuses or fails, as a closed list. Codes are stable: logs, metrics and tests use them. */
export const failureCodes = [
  'bad-input', // what came in is not of the stated form
  'too-large', // a limit on bytes, depth or count was crossed
  'not-found', // a named thing does not exist
  'unauthorised', // credentials are missing, wrong or expired
  'refused', // a rule of ours forbids it (SSRF guard, trust policy)
  'unavailable', // the other side did not answer, or answered 5xx; worth a retry
  'throttled', // the other side asked for less; worth a later retry
  'conflict', // somebody else wrote first (conditional write)
  'timeout', // no answer within the time allowed; the outcome is unknown
  'misconfigured', // tidemark.config.ts or the environment is wrong
  'internal', // a defect of ours
] as const;
export type FailureCode = (typeof failureCodes)[number];

/** The one error class. `where` names the place in the input, such as `Records[3].body`; the cause is always kept. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: FailureCode;
  readonly where: string | undefined;

  constructor(code: FailureCode, message: string, options: { readonly where?: string; readonly cause?: unknown } = {}) {
    super(`${code}: ${options.where === undefined ? '' : `${options.where}: `}${message}`, { cause: options.cause });
    this.code = code;
    this.where = options.where;
  }

  /** The one place where an unknown thrown thing becomes typed. */
  static from(thrown: unknown, code: FailureCode = 'internal'): Failure {
    if (thrown instanceof Failure) return thrown;
    return new Failure(code, thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
  }
}
