import { systemClock, systemNanos, systemRandom } from '../adapters/clock.ts';
import { nodeCrypto } from '../adapters/crypto.ts';
import { dynamodbTable } from '../adapters/dynamodb.ts';
import { jsonLog } from '../adapters/log.ts';
import { awsSecrets } from '../adapters/secrets.ts';
import { environmentKeys, required } from '../model/environment.ts';
import type { Log, Secrets, Table } from '../model/ports.ts';
import { logLevel } from '../telemetry/function-settings.ts';
import type { Environment } from '../telemetry/variables.ts';
import { createTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.ts';

/** What every deployed function stands on. */
export interface FunctionBase {
  readonly log: Log;
  readonly table: Table;
  readonly secrets: Secrets;
  readonly tracing: Telemetry;
}

/** Takes it from the function's environment and the configuration; throws a Failure that names a variable which is missing. */
export const functionBase = (
  name: string,
  {
    telemetry,
    propagation,
  }: { readonly telemetry?: TelemetryOptions['config']; readonly propagation?: TelemetryOptions['propagation'] },
  env: Environment,
  { exports = true }: Pick<TelemetryOptions, 'exports'> = {},
): FunctionBase => {
  const log = jsonLog({ clock: systemClock, level: logLevel(env), context: () => ({ function: name }) });
  const table = dynamodbTable({ tableName: required(env, environmentKeys.table), clock: systemClock });
  const secrets = awsSecrets({ clock: systemClock });
  const tracing = createTelemetry({
    name,
    config: telemetry,
    propagation,
    env,
    nanos: systemNanos,
    clock: systemClock,
    random: systemRandom,
    log,
    table,
    secrets,
    hmacSha256: nodeCrypto.hmacSha256,
    exports,
  });
  return { log, table, secrets, tracing };
};
