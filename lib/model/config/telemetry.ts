/** The `telemetry` section of tidemark.config.ts. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by its room
export interface TelemetryConfig {}
