import type { AlertsConfig } from './config/alerts.ts';
import type { PropagationConfig } from './config/propagation.ts';
import type { TelemetryConfig } from './config/telemetry.ts';
import type { TracesConfig } from './config/traces.ts';
import type { WatermarksConfig } from './config/watermarks.ts';

/** What a user writes in `tidemark.config.ts`. Every section is optional; an absent one switches its part off or leaves its defaults. */
export interface Config {
  readonly propagation?: PropagationConfig;
  readonly watermarks?: WatermarksConfig;
  readonly alerts?: AlertsConfig;
  readonly traces?: TracesConfig;
  readonly telemetry?: TelemetryConfig;
}

/** Types the configuration; validation happens at synth (cdk/config.ts), so that a function never pays for it. */
export const defineConfig = (config: Config): Config => config;
