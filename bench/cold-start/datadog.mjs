// Its tracer and its wrapper. What else it does (profiling, AppSec, telemetry of its own) is off.
import { datadog } from 'datadog-lambda-js';
import tracer from 'dd-trace';

tracer.init({ startupLogs: false });
export const handler = datadog(async () => 'done');
