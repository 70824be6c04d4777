import type { Attributes, AttributeValue } from '../model/span.ts';
import type { Environment, Reading } from './variables.ts';

/**
 * What made the spans: the function as Lambda's environment tells of it, in the names of semantic conventions 1.45, then what
 * `OTEL_RESOURCE_ATTRIBUTES` says, then `OTEL_SERVICE_NAME`; what comes later prevails.
 */
export const resourceOf = (env: Environment, read: Reading): Attributes => {
  const told = read.pairs('OTEL_RESOURCE_ATTRIBUTES');
  const name = read.text('OTEL_SERVICE_NAME') ?? told['service.name'] ?? read.text('AWS_LAMBDA_FUNCTION_NAME');
  return {
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'tidemark',
    'telemetry.sdk.version': '0.1.0',
    ...ofLambda(env, read),
    ...told,
    'service.name': name ?? 'unknown_service:node',
  };
};

const ofLambda = (env: Environment, read: Reading): Attributes => {
  const name = read.text('AWS_LAMBDA_FUNCTION_NAME');
  if (!name) return {};
  const memory = Number(env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']);
  const logGroup = read.text('AWS_LAMBDA_LOG_GROUP_NAME');
  return defined({
    'cloud.provider': 'aws',
    'cloud.platform': 'aws_lambda',
    'cloud.region': read.text('AWS_REGION'),
    'faas.name': name,
    'faas.version': read.text('AWS_LAMBDA_FUNCTION_VERSION'),
    'faas.instance': read.text('AWS_LAMBDA_LOG_STREAM_NAME'),
    // Lambda counts in MiB, the convention in bytes.
    'faas.max_memory': memory > 0 ? memory * 1024 * 1024 : undefined,
    'aws.log.group.names': logGroup === undefined ? undefined : [logGroup],
  });
};

const defined = (given: Record<string, AttributeValue | undefined>): Attributes => {
  for (const key in given) if (given[key] === undefined) delete given[key];
  return given as Attributes;
};
