import type { Layer } from '../model/carrier.ts';

interface Known {
  readonly claims: (object: object) => boolean;
  readonly layer: Layer;
}

/** Filled once, as the sources are loaded. */
const known: Known[] = [];

/**
 * Makes a source's records known as the content of other messages: pipes without a template and dead letters leave them there whole.
 * Sources say so themselves, since the layers that open messages cannot import the sources, which are made of them.
 */
export const alsoInside = (claims: Known['claims'], layer: Layer): void => void known.push({ claims, layer });

/** The layer of a whole record of one of those sources; undefined for anything else. */
export const recordInside = (object: object): Layer | undefined => {
  for (let index = 0; index < known.length; index++) {
    const { claims, layer } = known[index] as Known;
    if (claims(object)) return layer;
  }
  return undefined;
};
