import type { TelemetryConfig } from '../model/config/telemetry.ts';
import { Failure } from '../model/failure.ts';
import type { Log } from '../model/ports.ts';
import type { Redactor } from '../telemetry/redact.ts';

/** The code comes a moment later; until then, and where there is no such profile, no baggage leaves. */
export const baggageRedactor = ({ baggage, redaction }: TelemetryConfig, log: Log): Redactor['baggage'] | undefined => {
  if (baggage === undefined) return undefined;
  const profile = redaction?.[baggage];
  let ready: Redactor | undefined;
  import('#tidemark.redaction').then(
    ({ redactor }) => {
      if (profile !== undefined) ready = redactor(profile);
    },
    (thrown: unknown) => log('error', 'no baggage leaves', { error: Failure.from(thrown).message }),
  );
  return (entries) => ready?.baggage(entries) ?? [];
};
