import type { Details } from '../../model/message.ts';
import { defined } from '../arn.ts';
import { open } from '../layers.ts';
import { defineSource } from '../source.ts';
import { at, headerText, objectAt, stringAt } from '../text.ts';

type HttpEvent = Readonly<Record<string, unknown>>;

const repeated = (event: HttpEvent): object | undefined => objectAt(event, 'multiValueHeaders');

/** Headers that are not among the repeated ones: those say everything about the names they hold. */
const single = (event: HttpEvent): object | undefined => {
  const headers = objectAt(event, 'headers') ?? objectAt(at(event, 'request') ?? at(event, 'userRequest'), 'headers');
  const all = repeated(event);
  if (headers === undefined || all === undefined || Object.keys(all).length === 0) return headers;
  const known = new Set(Object.keys(all).map((name) => name.toLowerCase()));
  const rest = Object.entries(headers).filter(([name]) => !known.has(name.toLowerCase()));
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
};

/** HTTP: API Gateway (REST, HTTP and WebSocket), Function URL, load balancer, VPC Lattice, AppSync, S3 Object Lambda. */
export const http = defineSource<HttpEvent, HttpEvent>({
  name: 'http',
  system: undefined,
  trigger: 'http',
  partialFailures: 'none',
  entries: (event) => (isRequest(event) ? [event as HttpEvent] : undefined),
  claims: isRequest,
  layer: {
    name: 'http',
    places: [
      { path: 'multiValueHeaders', values: repeated, text: headerText },
      { path: 'headers', values: single, text: headerText },
    ],
    within: (event, bytesLeft, names) => open('body', bodyOf(event), bytesLeft, names),
  },
  details: (event) => {
    const context = at(event, 'requestContext');
    const sent = at(context, 'timeEpoch') ?? at(context, 'requestTimeEpoch');
    return defined<Details>({
      messageId: stringAt(context, 'requestId'),
      sentAt: typeof sent === 'number' ? sent : undefined,
      destination:
        stringAt(event, 'routeKey') ??
        stringAt(event, 'resource') ??
        stringAt(event, 'rawPath') ??
        stringAt(event, 'path'),
    });
  },
  body: (event) => {
    const text = stringAt(event, 'body');
    return text !== undefined && at(event, 'isBase64Encoded') === true ? Buffer.from(text, 'base64') : text;
  },
});

const bodyOf = (event: HttpEvent): unknown => {
  const text = event['body'];
  return typeof text === 'string' && event['isBase64Encoded'] === true && text.length < 2_000_000
    ? Buffer.from(text, 'base64')
    : text;
};

function isRequest(event: unknown): boolean {
  const hasHeaders = objectAt(event, 'headers') !== undefined || objectAt(event, 'multiValueHeaders') !== undefined;
  if (hasHeaders) {
    return (
      objectAt(event, 'requestContext') !== undefined ||
      typeof at(event, 'httpMethod') === 'string' ||
      typeof at(event, 'rawPath') === 'string' ||
      typeof at(event, 'raw_path') === 'string' ||
      (typeof at(event, 'method') === 'string' && typeof at(event, 'path') === 'string') ||
      at(event, 'type') === 'REQUEST'
    );
  }
  // AppSync, and S3 Object Lambda.
  if (objectAt(at(event, 'request'), 'headers') !== undefined) return objectAt(event, 'info') !== undefined;
  return objectAt(at(event, 'userRequest'), 'headers') !== undefined;
}
