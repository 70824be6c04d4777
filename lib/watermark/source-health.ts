/** Whether a source answers; stored only while it does not. Times in milliseconds. */
export interface Health {
  readonly failingSince: number;
  readonly blindSince?: number;
  readonly reason: string;
}

export interface HealthStep {
  readonly health: Health | undefined;
  readonly transition?: 'blind' | 'seeing';
}

/**
 * One look at a source. A single failure is nothing to wake anybody for; one that lasts makes the source blind, which is
 * said once, however many rules and series depend on it.
 */
export const watchSource = (
  health: Health | undefined,
  outcome: { readonly at: number; readonly error?: string },
  blindAfterSeconds: number,
): HealthStep => {
  const { at, error } = outcome;
  if (error === undefined) {
    return health?.blindSince === undefined ? { health: undefined } : { health: undefined, transition: 'seeing' };
  }
  const failingSince = Math.min(health?.failingSince ?? at, at);
  if (health?.blindSince !== undefined) return { health };
  if (at - failingSince >= blindAfterSeconds * 1000) {
    return { health: { failingSince, blindSince: at, reason: error }, transition: 'blind' };
  }
  return { health: health ?? { failingSince, reason: error } };
};
