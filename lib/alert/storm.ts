/** A group with so much news at once is in a storm: what joins it is told sooner than at its interval, in digests, until it is over. */
export const stormAlerts = 5;
export const stormMs = 30_000;
