// As its documentation has it; its exporter is the X-Ray daemon's client, made with it.
import { Tracer } from '@aws-lambda-powertools/tracer';

const tracer = new Tracer({ serviceName: 'orders' });
export const handler = async () => tracer.isTracingEnabled();
