/** The faults of a run, in seconds from the first order. */
export interface Fault {
  readonly name: 'payment-errors' | 'slow-inventory' | 'old-publisher';
  readonly from: number;
  readonly to: number;
  /** What the shop's switches are set to meanwhile. */
  readonly switches: {
    readonly paymentErrors?: number;
    readonly slowInventory?: number;
    readonly oldPublisher?: boolean;
  };
  /** What a finding of it looks like. */
  readonly expected: { readonly kind: string; readonly service: string };
}

export const faults: readonly Fault[] = [
  {
    name: 'payment-errors',
    from: 10,
    to: 20,
    switches: { paymentErrors: 0.45 },
    expected: { kind: 'error-burst', service: 'payments' },
  },
  {
    name: 'slow-inventory',
    from: 25,
    to: 35,
    switches: { slowInventory: 0.5 },
    expected: { kind: 'long-tail', service: 'inventory' },
  },
  {
    name: 'old-publisher',
    from: 42,
    to: 52,
    switches: { oldPublisher: true },
    expected: { kind: 'broken-chain', service: 'orders' },
  },
];

/** Long enough for the last fault to be seen gone by three more windows. */
export const trafficSeconds = 72;
/** A window of seconds stands for the minute. */
export const windowSeconds = 5;
export const slackSeconds = 4;
export const ordersPerSecond = 5;
/** Customers come gradually: every function first meets real work in these seconds. */
export const rampSeconds = 6;
/** Schedules of a minute fire every five seconds, their second tick two and a half later. */
export const compress = 12;
