import type { MetricsTellerOptions, Tell } from './tell-metrics.ts';

/** As lines of CloudWatch's embedded metric format. */
export const embedded = ({ name, log }: MetricsTellerOptions): Tell => {
  return async (collected) => {
    const { emfFields } = await import('../telemetry/metrics-emf.ts');
    for (const line of emfFields(collected, { dimensions: { function: name } })) log('info', 'metrics', line);
  };
};
