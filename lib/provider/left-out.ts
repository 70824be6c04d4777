import { Failure } from '../model/failure.ts';

/**
 * Stands in a bundle for what the configuration that was compiled in does not switch on (cdk/left-out.ts). Whatever comes here all the
 * same fails, so that nothing leaves unredacted and nobody is let in unasked.
 */
const leftOut = (): never => {
  throw new Failure('misconfigured', 'was left out of the bundle, since the configuration did not name it at synth');
};

/** What looks for something that the configuration does not name finds none. */
const absent = (): undefined => undefined;

const none = (): readonly never[] => [];
const nothing = undefined;

export {
  absent as addOldNames,
  absent as baggageRedactor,
  absent as decodeBinary,
  absent as messageSpans,
  absent as readManagedPrometheus,
  absent as restsBy,
  absent as s3Bucket,
  absent as stateMachineHeaders,
  leftOut as authenticator,
  leftOut as backlogSampling,
  leftOut as byOtlp,
  leftOut as configuredBackEnd,
  leftOut as credentialsOf,
  leftOut as custom,
  leftOut as customFormat,
  leftOut as embedded,
  leftOut as fillTemplate,
  leftOut as InOrder,
  leftOut as MessageSpans,
  leftOut as matcher,
  leftOut as readTemplate,
  leftOut as redactor,
  leftOut as redactorsOf,
  leftOut as signedHeaders,
  none as inhibitRules,
  none as sourceKeys,
  none as targetKeys,
  nothing as jsonEncoder,
};
