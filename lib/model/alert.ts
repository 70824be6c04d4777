/** An alert as it crosses the bus (EventBridge detail-type `Alert`); see docs on the wire format in docs/reference. */
export interface Alert {
  readonly status: 'firing' | 'resolved';
  /** The identity. `alertname` and `severity` are always present. */
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** RFC 3339, UTC. */
  readonly startsAt: string;
  readonly endsAt?: string;
  /** 16 lower-case hex digits. */
  readonly fingerprint: string;
  readonly generatorURL?: string;
  /** The trace that the alert is about. */
  readonly trace?: { readonly traceId: string; readonly spanId: string };
}

export const severities = ['critical', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

/** An alert with its fingerprint worked out from the labels. */
export const alert = (fields: Omit<Alert, 'fingerprint'>): Alert => ({
  ...fields,
  fingerprint: fingerprint(fields.labels),
});

/**
 * FNV-1a 64 over the label pairs sorted by name, each name and value followed by the byte 0xff: what Prometheus'
 * `model.LabelSet.Fingerprint` computes, so that Alertmanager knows our alerts by the same identity.
 */
export const fingerprint = (labels: Readonly<Record<string, string>>): string => {
  const encoder = new TextEncoder();
  let hash = 0xcbf29ce484222325n;
  const add = (byte: number) => {
    hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  };
  for (const name of Object.keys(labels).sort(byBytes)) {
    for (const byte of encoder.encode(name)) add(byte);
    add(0xff);
    for (const byte of encoder.encode(labels[name])) add(byte);
    add(0xff);
  }
  return hash.toString(16).padStart(16, '0');
};

/** Go sorts strings by their UTF-8 bytes; JavaScript sorts by UTF-16 units, which differs beyond the BMP. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
