import { Failure } from '../model/failure.ts';
import { httpPoster } from './http-post.ts';
import { isToken } from './http1-answer.ts';
import type { Pem, Post } from './post.ts';
import { socketPoster } from './socket-post.ts';

/** By node:http(s); to a Collector beside the function, which is on the way of every cold start, by less than that (adr 0053). */
export const poster = (url: string, pem: Pem): Post => (isBesideUs(url) ? socketPoster(url) : httpPoster(url, pem));

/** Without TLS, on the loop-back. */
export const isBesideUs = (url: string): boolean => /^http:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])[:/]/i.test(url);

/** Headers by lower-case name; throws where one cannot be written as it is. */
export const sendable = (headers: Readonly<Record<string, string>>, where: string): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name) || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
      throw new Failure('misconfigured', 'a header holds what none can hold', { where });
    found[name.toLowerCase()] = value;
  }
  return found;
};
