import type { Tool } from './tools.ts';

/** Something of tidemark proved against software that nobody here wrote. */
export interface Part {
  /** What it is chosen by on the command line; also its place in the page. */
  readonly name: string;
  /** Heading in the page. */
  readonly title: string;
  /** What it needs on the machine. A part whose tools cannot be had is skipped, never passed. */
  readonly tools: readonly Tool[];
  readonly run: (report: Report) => Promise<void>;
}

/** What was seen of one peer. */
export interface Seen {
  readonly name: string;
  readonly version: string;
  readonly proven: string[];
  readonly notProven: string[];
}

/** What a part has to say; the page is written from it. */
export class Report {
  readonly seen: Seen[] = [];
  /** Markdown of tables, after the lists of peers. */
  readonly tables: string[] = [];
  /** The statement that is being held against a peer, for the message of a failure. */
  current: { readonly peer: Seen; readonly statement: string } | undefined;

  peer(name: string, version: string): Peer {
    const seen: Seen = { name, version, proven: [], notProven: [] };
    this.seen.push(seen);
    return new Peer(this, seen);
  }

  table(heading: string, head: readonly string[], rows: readonly (readonly string[])[]): void {
    const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
    this.tables.push(`### ${heading}\n\n${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`);
  }
}

/** Statements about one peer, each with the check that it rests on. */
export class Peer {
  readonly #report: Report;
  readonly #seen: Seen;

  constructor(report: Report, seen: Seen) {
    this.#report = report;
    this.#seen = seen;
  }

  /** The check throws, or rejects, when the statement does not hold. */
  async holds<T>(statement: string, check: () => T | Promise<T>): Promise<T> {
    this.#report.current = { peer: this.#seen, statement };
    const answer = await check();
    this.#seen.proven.push(statement);
    this.#report.current = undefined;
    return answer;
  }

  /** What this run does not prove, and why. */
  leaves(statement: string): void {
    this.#seen.notProven.push(statement);
  }
}

/** Throws with the first place where the two differ. Objects are compared by their own keys, bytes by their content. */
export const same = (actual: unknown, expected: unknown, what = 'the answer'): void => {
  const difference = firstDifference(actual, expected, what);
  if (difference !== undefined) throw new Error(difference);
};

export const firstDifference = (actual: unknown, expected: unknown, at: string): string | undefined => {
  if (Object.is(actual, expected)) return undefined;
  if (actual instanceof Uint8Array && expected instanceof Uint8Array) {
    if (Buffer.compare(actual, expected) === 0) return undefined;
    const byte = actual.findIndex((value, index) => value !== expected[index]);
    return `${at}: ${actual.length} bytes differ from ${expected.length} expected, first at byte ${byte === -1 ? actual.length : byte}`;
  }
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null) {
    return `${at} is ${shown(actual)}, not ${shown(expected)}`;
  }
  if (Array.isArray(actual) !== Array.isArray(expected)) return `${at} is ${shown(actual)}, not ${shown(expected)}`;
  const [ours, theirs] = [actual as Record<string, unknown>, expected as Record<string, unknown>];
  for (const key of new Set([...Object.keys(theirs), ...Object.keys(ours)])) {
    const difference = firstDifference(ours[key], theirs[key], `${at}.${key}`);
    if (difference !== undefined) return difference;
  }
  return undefined;
};

const shown = (value: unknown): string => {
  const text = typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? String(value));
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
};

/** Narrowing for what must be there. */
export const present = <T>(value: T | null | undefined, what: string): T => {
  if (value === null || value === undefined) throw new Error(`${what} is missing`);
  return value;
};
