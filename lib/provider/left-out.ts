import { Failure } from '../model/failure.ts';

/**
 * Stands in a bundle for what the configuration that was compiled in does not switch on (cdk/left-out.ts). Whatever comes here all the
 * same fails, so that nothing leaves unredacted and nobody is let in unasked.
 */
const leftOut = (): never => {
  throw new Failure('misconfigured', 'was left out of the bundle, since the configuration did not name it at synth');
};

export { leftOut as authenticator, leftOut as backlogSampling, leftOut as metricsJson, leftOut as redactor };
