import { addOldNames } from '#tidemark.old-names';
import type { AttributeMap, Conventions } from './semconv.ts';

/** Adds the old names beside the new ones, in place, where that is asked for. */
export const spelled = <T extends AttributeMap>(attributes: T, conventions: Conventions): T => {
  if (conventions !== 'current') addOldNames(attributes);
  return attributes;
};
