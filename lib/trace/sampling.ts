import type { Span } from '../model/span.ts';

/** Set on spans that were kept for what they are (an error, a slow root), whatever became of the rest of their trace. */
const stratumAttribute = 'tidemark.sampling.stratum';

export const isStratum = ({ attributes }: Pick<Span, 'attributes'>): boolean =>
  attributes[stratumAttribute] !== undefined;
