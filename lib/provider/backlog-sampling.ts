import { type PressureReader, pressureReader } from '../adapters/pressure.ts';
import type { Promote } from '../model/back-end.ts';
import type { SamplingConfig } from '../model/config/telemetry.ts';
import type { Clock, Log, Table } from '../model/ports.ts';
import type { Span } from '../model/span.ts';
import type { Sampler } from '../telemetry/head-sampler.ts';
import { backlogSampler } from '../telemetry/sampler.ts';
import { ownNames } from '../telemetry/semconv.ts';

export interface Sampling {
  readonly sampler: Sampler;
  readonly promote?: Promote;
  readonly pressure?: PressureReader;
  readonly rate?: () => number;
}

export interface BacklogSamplingOptions {
  /** Share of new traces while `stressed`, at most. */
  readonly cap: number;
  readonly stressed: () => boolean;
  /** Where the pressure of queues is. */
  readonly table: Pick<Table, 'get'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What `telemetry.sampling` asks for: by the fill of a queue, with strata for errors and for slow roots. */
export const backlogSampling = (
  { queue, ...rest }: SamplingConfig,
  { cap, stressed, table, clock, log }: BacklogSamplingOptions,
): Sampling => {
  const pressure = pressureReader({ table, queue, clock, log });
  const sampler = backlogSampler({
    ...rest,
    cap,
    stressed,
    pressure: pressure.fill,
    onChange: (change) => log('info', 'sampling rate changes', { queue, ...change }),
  });
  const promote: Promote = (span) => {
    const stratum = sampler.atEnd(span, isLocalRoot(span));
    if (stratum === undefined) return undefined;
    return { attributes: { [ownNames.samplingStratum]: stratum.name }, traceState: stratum.traceState };
  };
  return { sampler, promote, pressure, rate: () => sampler.rate };
};

/** No parent, or one in another process: bit 9 of OTLP's flags. */
const isLocalRoot = ({ parentSpanId, flags = 0 }: Span): boolean => parentSpanId === undefined || (flags & 0x200) !== 0;
