import type { Layer } from '../model/carrier.ts';
import type { Source } from '../model/message.ts';

/** Erases a member's own types, so that sources of different events fit in one list. */
export const defineSource = <Event, Entry>(source: Source<Event, Entry>): Source => source as unknown as Source;

/** Erases a layer's own type. */
export const defineLayer = <Entry>(layer: Layer<Entry>): Layer => layer as unknown as Layer;
