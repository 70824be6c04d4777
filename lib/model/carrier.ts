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
  /** Peels one wrapping off, within the budget. `undefined`: nothing in there could hold a context. Never throws. */
  readonly within?: (entry: Entry, budget: Budget) => Nested | undefined;
}

/** A layer found in another one. */
export interface Nested {
  /** Where it was nested, relative to the outer layer: `body`, `Message`, … */
  readonly path: string;
  readonly layer: Layer;
  readonly entry: unknown;
}

/** What peeling may still spend on one message. Mutable: each layer takes its share. */
export interface Budget {
  layers: number;
  bytes: number;
  /** Names, besides the standard ones, that make a text worth parsing (the custom format's). */
  readonly names: readonly string[];
  /** Set to the reason when something was left unopened. */
  refused?: { path: string; reason: string };
}

/** Writes one name and value to a carrier. Answers false when it could not (no free slot, no room). */
export type Setter = (name: string, value: string) => boolean;
