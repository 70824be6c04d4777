/** Where in a message names map to values, and how a value there is spelled. Holds nothing of any message. */
export interface Place<Entry = unknown> {
  /** Path inside its layer, such as `messageAttributes`; empty for the layer itself. */
  readonly path: string;
  /** The map itself (own keys are names), or undefined. Never throws. */
  readonly values: (entry: Entry) => object | undefined;
  /** The text of one value, or undefined when it has none. Never throws. */
  readonly text: (value: unknown) => string | undefined;
  /** Written by the broker, not by the application: asked last, after everything nested. */
  readonly broker?: true;
  /** What is found here was left by an earlier writer: it becomes a link, never the parent. */
  readonly stale?: true;
}

/** One wrapping of a message: the places it has, and what is nested in it. */
export interface Layer<Entry = unknown> {
  /** First word of its paths: `sqs`, `sns`, `eb`, … */
  readonly name: string;
  readonly places: readonly Place<Entry>[];
  /**
   * Peels one wrapping off: one parse at most, of at most `bytesLeft` bytes. Undefined when nothing in there could hold a context.
   * `names` are names, besides the standard ones, that make a text worth parsing (the custom format's). Never throws.
   */
  readonly within?: (entry: Entry, bytesLeft: number, names: readonly string[]) => Nested | undefined;
}

/** What was found in a layer: another layer, or the reason why it stayed closed. */
export interface Nested {
  /** Where it was nested, relative to the outer layer: `body`, `Message`, … */
  readonly path: string;
  readonly layer?: Layer | undefined;
  readonly entry?: unknown;
  /** Bytes (UTF-16 units of text) that were parsed for it. */
  readonly bytes: number;
  readonly refused?: string;
}

/** Writes one name and value to a carrier. Answers false when it could not (no free slot, no room). */
export type Setter = (name: string, value: string) => boolean;
