import type { RouteConfig } from '../model/config/telemetry.ts';
import { Failure } from '../model/failure.ts';
import { linearPattern } from '../model/linear-pattern.ts';

/** Whether a service is one of a route. `at`: which route it is. */
export const matcher = (route: RouteConfig, at: number): ((service: string) => boolean) => {
  const { service, servicePrefix, servicePattern } = route;
  if (service !== undefined) return (name) => name === service;
  if (servicePrefix !== undefined) return (name) => name.startsWith(servicePrefix);
  const where = `telemetry.routes[${at}].servicePattern`;
  if (servicePattern === undefined) {
    throw new Failure('misconfigured', 'one of service, servicePrefix and servicePattern is needed', { where });
  }
  const pattern = linearPattern(servicePattern);
  if ('error' in pattern) throw new Failure('misconfigured', pattern.error, { where });
  return (name) => pattern.matchesAll(name);
};
