/** The `watermarks` section of tidemark.config.ts. */
// biome-ignore lint/suspicious/noEmptyInterface: filled by its room
export interface WatermarksConfig {}
