/**
 * Regular expressions that match in linear time whatever the text: a nondeterministic automaton is followed state set by state set, so
 * there is nothing to backtrack into. What cannot be matched so (look-around, back references) is refused when the pattern is read.
 */
export interface LinearPattern {
  readonly source: string;
  /** Whether the whole text matches. */
  readonly matchesAll: (text: string) => boolean;
}

export interface SearchPattern extends LinearPattern {
  /** Every character that belongs to some match, as ranges in order. */
  readonly ranges: (text: string) => readonly (readonly [number, number])[];
}

/** Reads a pattern: literals, `.`, classes, `\d \w \s` and their opposites, groups, `|`, `* + ? {m,n}`, `^` and `$`, a leading `(?i)`. */
export const linearPattern = (source: string): LinearPattern | { readonly error: string } => read(source, whole);

/** The same, to look for matches within texts. */
export const searchPattern = (source: string): SearchPattern | { readonly error: string } =>
  read(source, (automaton, start) => {
    const first = firstUnits(automaton, start);
    return { ...whole(automaton, start, source), ranges: (text) => ranges(automaton, start, first, text) };
  });

type Make<Made> = (automaton: Automaton, start: number, source: string) => Made;

const whole: Make<LinearPattern> = (automaton, start, source) => ({
  source,
  matchesAll: (text) => matchesAll(automaton, start, text),
});

const read = <Made>(source: string, make: Make<Made>): Made | { readonly error: string } => {
  try {
    const automaton: Automaton = { kinds: [], units: [], next: [], other: [] };
    return make(automaton, compiled(source, automaton), source);
  } catch (thrown) {
    if (thrown instanceof Unreadable) return { error: thrown.message };
    throw thrown;
  }
};

class Unreadable extends Error {}

/** A counted repetition copies its part so many times; a larger automaton would be slow on every character. */
const maxStates = 2000;
const maxDepth = 50;

/** A set of UTF-16 code units, as sorted pairs of bounds. */
type Units = readonly (readonly [number, number])[];

type Node =
  | { readonly kind: 'units'; readonly units: Units }
  | { readonly kind: 'sequence'; readonly parts: readonly Node[] }
  | { readonly kind: 'either'; readonly parts: readonly Node[] }
  | { readonly kind: 'repeat'; readonly part: Node; readonly least: number; readonly most: number }
  | { readonly kind: 'begin' | 'end' };

/** States of the automaton in parallel arrays: `units` consumes one, the others are passed for nothing. */
interface Automaton {
  readonly kinds: ('units' | 'split' | 'begin' | 'end' | 'done')[];
  readonly units: (Units | undefined)[];
  readonly next: number[];
  readonly other: number[];
}

/** Answers the first state. */
const compiled = (source: string, automaton: Automaton): number => {
  const ignoresCase = source.startsWith('(?i)');
  const tree = treeOf(ignoresCase ? source.slice(4) : source, ignoresCase);
  return build(automaton, tree, add(automaton, 'done'));
};

const add = (automaton: Automaton, kind: Automaton['kinds'][number], next = -1, other = -1, units?: Units): number => {
  if (automaton.kinds.length >= maxStates) throw new Unreadable(`needs more than ${maxStates} states`);
  automaton.kinds.push(kind);
  automaton.next.push(next);
  automaton.other.push(other);
  automaton.units.push(units);
  return automaton.kinds.length - 1;
};

/** Adds a part that goes on to `next`; answers its first state. Built from its end. */
const build = (automaton: Automaton, node: Node, next: number): number => {
  if (node.kind === 'units') return add(automaton, 'units', next, -1, node.units);
  if (node.kind === 'sequence') return node.parts.reduceRight((after, part) => build(automaton, part, after), next);
  if (node.kind === 'either') {
    const starts = node.parts.map((part) => build(automaton, part, next));
    return starts.reduce((first, second) => add(automaton, 'split', first, second));
  }
  if (node.kind !== 'repeat') return add(automaton, node.kind, next);
  const { part, least, most } = node;
  let after = next;
  if (most === Number.POSITIVE_INFINITY) {
    const loop = add(automaton, 'split', -1, next);
    automaton.next[loop] = build(automaton, part, loop);
    after = loop;
  } else {
    for (let count = least; count < most; count++) after = add(automaton, 'split', build(automaton, part, after), next);
  }
  for (let count = 0; count < least; count++) after = build(automaton, part, after);
  return after;
};

/**
 * For every end of a match the earliest start that leads there: the ranges between them cover all matches, in one pass. Two state sets
 * take turns; `from` holds the start that a state was reached with.
 */
const ranges = (
  automaton: Automaton,
  start: number,
  first: Uint8Array,
  text: string,
): readonly (readonly [number, number])[] => {
  const found: [number, number][] = [];
  let now = new States(automaton);
  let then = new States(automaton);
  for (let at = 0; at <= text.length; at++) {
    // Nothing is under way and nothing begins here: most characters of most texts.
    if (now.size === 0 && at < text.length) {
      const code = text.charCodeAt(at);
      if (code < 256 && first[code] === 0) continue;
    }
    now.enter(start, at, at, text.length);
    if (now.doneFrom >= 0 && now.doneFrom < at) {
      let from = now.doneFrom;
      for (let last = found.at(-1); last !== undefined && last[1] >= from; last = found.at(-1)) {
        from = Math.min(from, last[0]);
        found.pop();
      }
      found.push([from, at]);
    }
    if (at === text.length) break;
    then.clear();
    now.step(text.charCodeAt(at), at + 1, text.length, then);
    [now, then] = [then, now];
  }
  return found;
};

/** The code units below 256 that a match can begin with; anchors are taken as passed. */
const firstUnits = ({ kinds, units, next, other }: Automaton, start: number): Uint8Array => {
  const first = new Uint8Array(256);
  const seen = new Set<number>();
  const waiting = [start];
  for (let state = waiting.pop(); state !== undefined; state = waiting.pop()) {
    if (seen.has(state)) continue;
    seen.add(state);
    const kind = kinds[state];
    if (kind === 'units') {
      for (let code = 0; code < 256; code++) if (holds(units[state] as Units, code)) first[code] = 1;
    } else if (kind !== 'done') {
      waiting.push(next[state] as number);
      if (kind === 'split') waiting.push(other[state] as number);
    }
  }
  return first;
};

const matchesAll = (automaton: Automaton, start: number, text: string): boolean => {
  let now = new States(automaton);
  let then = new States(automaton);
  now.enter(start, 0, 0, text.length);
  for (let at = 0; at < text.length; at++) {
    then.clear();
    now.step(text.charCodeAt(at), at + 1, text.length, then);
    if (then.size === 0) return false;
    [now, then] = [then, now];
  }
  return now.doneFrom >= 0;
};

/** The states that are alive before one character, each with the earliest start of a match that it was reached with. */
class States {
  readonly #automaton: Automaton;
  readonly #from: Int32Array;
  readonly #consuming: number[] = [];
  readonly #seen: number[] = [];
  readonly #waiting: number[] = [];
  doneFrom = -1;
  constructor(automaton: Automaton) {
    this.#automaton = automaton;
    this.#from = new Int32Array(automaton.kinds.length).fill(-1);
  }
  get size(): number {
    return this.#seen.length;
  }
  clear(): void {
    for (const state of this.#seen) this.#from[state] = -1;
    this.#seen.length = 0;
    this.#consuming.length = 0;
    this.doneFrom = -1;
  }
  /** Adds a state and all that is reached from it for nothing. Starts come in rising order, so the first to come is the earliest. */
  enter(state: number, from: number, at: number, length: number): void {
    const { kinds, next, other } = this.#automaton;
    const waiting = this.#waiting;
    waiting.push(state);
    for (;;) {
      const each = waiting.pop();
      if (each === undefined) return;
      if (this.#from[each] !== -1) continue;
      const kind = kinds[each];
      if ((kind === 'begin' && at !== 0) || (kind === 'end' && at !== length)) continue;
      this.#from[each] = from;
      this.#seen.push(each);
      if (kind === 'units') this.#consuming.push(each);
      else if (kind === 'done') this.doneFrom = from;
      else {
        if (kind === 'split') waiting.push(other[each] as number);
        waiting.push(next[each] as number);
      }
    }
  }
  step(code: number, at: number, length: number, then: States): void {
    const { units, next } = this.#automaton;
    // In the order in which they were entered, which is that of their starts: so the earliest gets there first.
    for (const state of this.#consuming) {
      if (holds(units[state] as Units, code))
        then.enter(next[state] as number, this.#from[state] as number, at, length);
    }
  }
}

const holds = (units: Units, code: number): boolean => {
  for (const [low, high] of units) {
    if (code < low) return false;
    if (code <= high) return true;
  }
  return false;
};

const digits: Units = [[48, 57]];
const words: Units = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const blanks: Units = [
  [9, 13],
  [32, 32],
  [160, 160],
  [0x2028, 0x2029],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const anything: Units = [
  [0, 9],
  [11, 12],
  [14, 0x2027],
  [0x202a, 0xffff],
];

const opposite = (units: Units): Units => {
  const out: [number, number][] = [];
  let from = 0;
  for (const [low, high] of units) {
    if (low > from) out.push([from, low - 1]);
    from = high + 1;
  }
  if (from <= 0xffff) out.push([from, 0xffff]);
  return out;
};

const normal = (units: Units): Units => {
  const out: [number, number][] = [];
  for (const [low, high] of [...units].sort((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last !== undefined && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else out.push([low, high]);
  }
  return out;
};

/** Adds the other case of ASCII letters. */
const bothCases = (units: Units): Units =>
  normal(
    units.flatMap(([low, high]) => {
      const lower: [number, number] = [Math.max(low, 65) + 32, Math.min(high, 90) + 32];
      const upper: [number, number] = [Math.max(low, 97) - 32, Math.min(high, 122) - 32];
      return [[low, high] as const, lower, upper].filter(([from, to]) => from <= to);
    }),
  );

const escapes: Readonly<Record<string, Units>> = {
  d: digits,
  D: opposite(digits),
  w: words,
  W: opposite(words),
  s: blanks,
  S: opposite(blanks),
};
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11 };

/** Reads a pattern into its tree. Functions in place of a class: names of members stay long when code is minified. */
const treeOf = (source: string, ignoresCase: boolean): Node => {
  let at = 0;
  let depth = 0;

  const either = (): Node => {
    if (++depth > maxDepth) refuse(`is nested deeper than ${maxDepth}`);
    const parts = [sequence()];
    while (take('|')) parts.push(sequence());
    depth -= 1;
    return parts.length === 1 ? (parts[0] as Node) : { kind: 'either', parts };
  };

  const sequence = (): Node => {
    const parts: Node[] = [];
    for (;;) {
      const next = source[at];
      if (next === undefined || next === '|' || next === ')') return { kind: 'sequence', parts };
      parts.push(repeated(one()));
    }
  };

  const repeated = (part: Node): Node => {
    let node = part;
    for (;;) {
      const found = bounds();
      if (found === undefined) return node;
      if (part.kind === 'begin' || part.kind === 'end') refuse('an anchor is repeated');
      if (node !== part) refuse('a repetition is repeated; put it into brackets');
      // Reluctant or not decides which match is taken; here every character of any match counts.
      take('?');
      if (source[at] === '+') refuse('possessive repetitions are not supported');
      node = { kind: 'repeat', part, least: found[0], most: found[1] };
    }
  };

  const bounds = (): readonly [number, number] | undefined => {
    if (take('*')) return [0, Number.POSITIVE_INFINITY];
    if (take('+')) return [1, Number.POSITIVE_INFINITY];
    if (take('?')) return [0, 1];
    const match = /^\{(\d{1,4})(?:(,)(\d{0,4}))?\}/.exec(source.slice(at, at + 12));
    if (match === null) return undefined;
    at += match[0].length;
    const least = Number(match[1]);
    const most = match[2] === undefined ? least : match[3] === '' ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (most < least) refuse(`the bounds of ${match[0]} are the wrong way round`);
    return [least, most];
  };

  const one = (): Node => {
    const began = at;
    const each = source[at++] as string;
    if (each === '^') return { kind: 'begin' };
    if (each === '$') return { kind: 'end' };
    if (each === '.') return { kind: 'units', units: anything };
    if (each === '[') return { kind: 'units', units: classed() };
    if (each === '\\') return { kind: 'units', units: cased(escaped()) };
    if ('*+?{'.includes(each)) {
      at = began;
      refuse(`'${each}' repeats nothing`);
    }
    if (each !== '(') return { kind: 'units', units: cased([[each.charCodeAt(0), each.charCodeAt(0)]]) };
    if (source[at] === '?') {
      if (source[at + 1] !== ':') refuse('look-around and named groups are not supported');
      at += 2;
    }
    const node = either();
    if (!take(')')) refuse("a '(' is not closed");
    return node;
  };

  const escaped = (): Units => {
    const each = source[at++];
    if (each === undefined) return refuse("ends with '\\'");
    const known = Object.hasOwn(escapes, each) ? escapes[each] : undefined;
    if (known !== undefined) return known;
    const control = Object.hasOwn(controls, each) ? controls[each] : undefined;
    if (control !== undefined) return [[control, control]];
    if (each === 'x' || each === 'u') {
      const size = each === 'x' ? 2 : 4;
      const hex = source.slice(at, at + size);
      if (!new RegExp(`^[0-9a-fA-F]{${size}}$`).test(hex)) refuse(`\\${each} needs ${size} hex digits`);
      at += size;
      return [[Number.parseInt(hex, 16), Number.parseInt(hex, 16)]];
    }
    if (/[0-9A-Za-z]/.test(each)) refuse(`\\${each} is not supported`);
    return [[each.charCodeAt(0), each.charCodeAt(0)]];
  };

  const classed = (): Units => {
    const negated = take('^');
    const units: (readonly [number, number])[] = [];
    for (;;) {
      if (at >= source.length) refuse("a '[' is not closed");
      if (take(']')) break;
      const low = member();
      if (source[at] === '-' && source[at + 1] !== ']' && at + 1 < source.length) {
        at += 1;
        const high = member();
        const [from, to] = [low[0]?.[0], high[0]?.[0]];
        const areSingle = low.length === 1 && high.length === 1 && low[0]?.[1] === from && high[0]?.[1] === to;
        if (from === undefined || to === undefined || !areSingle || to < from) return refuse('a range is wrong');
        units.push([from, to]);
      } else units.push(...low);
    }
    const both = cased(normal(units));
    return negated ? opposite(both) : both;
  };

  const member = (): Units => {
    const each = source[at++] as string;
    return each === '\\' ? escaped() : [[each.charCodeAt(0), each.charCodeAt(0)]];
  };

  const cased = (units: Units): Units => {
    return ignoresCase ? bothCases(units) : units;
  };

  const take = (each: string): boolean => {
    if (source[at] !== each) return false;
    at += 1;
    return true;
  };

  const refuse: (why: string) => never = (why) => {
    throw new Unreadable(`${why} (at character ${at})`);
  };

  const node = either();
  if (at < source.length) refuse("')' closes nothing");
  return node;
};
