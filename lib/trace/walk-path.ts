/** One trace as columns: positions instead of ids, times as offsets from any origin (a double holds nanoseconds of 104 days exactly). */
export interface Columns {
  /** Position of the parent, -1 for none. Must hold no cycle. */
  readonly parents: Int32Array;
  /** OTLP kinds. */
  readonly kinds: Uint8Array;
  readonly starts: Float64Array;
  readonly ends: Float64Array;
  /** Numbers that stand for the hosts; -1 or absent where the host is not known. */
  readonly hosts?: Int32Array;
}

export type PathMode = 'strict' | 'robust';

/** Sections in time order: span `at[i]` from `from[i]` to `to[i]`. They tile the root's interval. */
export interface Walked {
  readonly length: number;
  readonly at: Int32Array;
  readonly from: Float64Array;
  readonly to: Float64Array;
}

const server = 2;
const client = 3;
const producer = 4;
const consumer = 5;

/** CRISP's `overlap_allowance_fraction`: siblings may overlap by this share of their parent and still have waited for each other. */
const overlapAllowance = 0.01;
/** CRISP's `server_lengthening_factor`: a server may seem to run this much longer than its client before it is skew. */
const serverLengthening = 1.01;

/**
 * The critical path from a root, walked backwards from its end: no recursion, O(n log n) whatever the shape, inputs left alone.
 * `strict` has the semantics of Jaeger (critical path of jaeger-ui and its Go port), `robust` those of CRISP, made a partition:
 * where siblings overlap the overlap is charged to the later one, and a skewed server is shifted into its client.
 */
export const walkPath = (columns: Columns, root: number, mode: PathMode): Walked => {
  const { children, first, starts, ends } = sanitise(columns, root, mode);
  const robust = mode === 'robust';
  const count = columns.parents.length;
  const at = new Int32Array(2 * count + 1);
  const from = new Float64Array(2 * count + 1);
  const to = new Float64Array(2 * count + 1);
  // Filled from the back, so that time order needs no second pass.
  let top = at.length;
  const stack = new Int32Array(count);
  const limits = new Float64Array(count);
  // Next child to look at and, by its sign bit elsewhere, nothing: whether a frame has taken a child is `last >= 0`.
  const pointers = new Int32Array(count);
  const last = new Int32Array(count).fill(-1);
  const sortedStarts = new Map<number, Float64Array>();
  let depth = 0;
  stack[0] = root;
  limits[0] = ends[root] as number;
  pointers[root] = (first[root + 1] as number) - 1;
  while (depth >= 0) {
    const span = stack[depth] as number;
    const limit = limits[depth] as number;
    const low = first[span] as number;
    let pointer = pointers[span] as number;
    const previous = last[span] as number;
    let next = -1;
    for (; pointer >= low; pointer -= 1) {
      const candidate = children[pointer] as number;
      if (candidate < 0) continue;
      const end = ends[candidate] as number;
      const start = starts[candidate] as number;
      if (previous < 0 ? !robust || start < limit : end < limit) {
        next = candidate;
        break;
      }
      if (!robust || previous < 0) continue;
      const since = starts[previous] as number;
      if (start >= limit || end >= (ends[previous] as number)) continue;
      if ((end - since) / ((ends[span] as number) - (starts[span] as number)) >= overlapAllowance) continue;
      // Exactly two events of the parent's children in [start of the later, end of the earlier]: those two themselves.
      if (eventsBetween(span, since, end) !== 2) continue;
      next = candidate;
      break;
    }
    if (next < 0) {
      const start = starts[span] as number;
      if (limit > start) {
        top -= 1;
        at[top] = span;
        from[top] = start;
        to[top] = limit;
      }
      depth -= 1;
      continue;
    }
    pointers[span] = pointer - 1;
    last[span] = next;
    const end = Math.min(ends[next] as number, limit);
    if (limit > end) {
      top -= 1;
      at[top] = span;
      from[top] = end;
      to[top] = limit;
    }
    limits[depth] = Math.min(starts[next] as number, limit);
    depth += 1;
    stack[depth] = next;
    limits[depth] = end;
    pointers[next] = (first[next + 1] as number) - 1;
  }
  return { length: at.length - top, at: at.subarray(top), from: from.subarray(top), to: to.subarray(top) };

  function eventsBetween(span: number, low: number, high: number): number {
    const begin = first[span] as number;
    const end = first[span + 1] as number;
    let begins = sortedStarts.get(span);
    if (begins === undefined) {
      const kept: number[] = [];
      for (let index = begin; index < end; index += 1) {
        const child = children[index] as number;
        if (child >= 0) kept.push(starts[child] as number);
      }
      begins = Float64Array.from(kept).sort();
      sortedStarts.set(span, begins);
    }
    let events = below(begins.length, (index) => (begins?.[index] as number) <= high);
    events -= below(begins.length, (index) => (begins?.[index] as number) < low);
    // Dropped children lie in front of the kept ones, which are in order of their ends.
    const endOf = (index: number) => {
      const child = children[begin + index] as number;
      return child < 0 ? Number.NEGATIVE_INFINITY : (ends[child] as number);
    };
    events += below(end - begin, (index) => endOf(index) <= high) - below(end - begin, (index) => endOf(index) < low);
    return events;
  }
};

/** How many of the first `length` indices hold; those that hold come first. */
const below = (length: number, holds: (index: number) => boolean): number => {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (holds(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
};

/**
 * Children by parent (span p owns `children[first[p] … first[p + 1] - 1]`, dropped ones as -1 in front, the others by end), with times
 * clipped, parents before children, so that clips reach grandchildren.
 */
const sanitise = (
  { parents, kinds, hosts, starts: ownStarts, ends: ownEnds }: Columns,
  root: number,
  mode: PathMode,
) => {
  const count = parents.length;
  const starts = Float64Array.from(ownStarts);
  const ends = Float64Array.from(ownEnds);
  const first = new Int32Array(count + 2);
  for (let span = 0; span < count; span += 1) {
    const parent = parents[span] as number;
    if (parent >= 0) first[parent + 2] = (first[parent + 2] as number) + 1;
  }
  for (let span = 1; span < count + 2; span += 1) first[span] = (first[span] as number) + (first[span - 1] as number);
  const children = new Int32Array(count);
  for (let span = 0; span < count; span += 1) {
    const parent = parents[span] as number;
    if (parent < 0) continue;
    const slot = first[parent + 1] as number;
    children[slot] = span;
    first[parent + 1] = slot + 1;
  }
  const robust = mode === 'robust';
  const shifts = robust ? new Float64Array(count) : undefined;
  const scratch = new Int32Array(count);
  const stack = new Int32Array(count);
  let depth = 0;
  stack[0] = root;
  while (depth >= 0) {
    const span = stack[depth] as number;
    depth -= 1;
    const low = first[span] as number;
    const high = first[span + 1] as number;
    if (low === high) continue;
    const from = starts[span] as number;
    const to = ends[span] as number;
    let kept = high;
    // From the last to the first, so that kept ones gather at the end in their own order.
    for (let index = high - 1; index >= low; index -= 1) {
      const child = children[index] as number;
      if (!robust && kinds[span] === producer && kinds[child] === consumer) continue;
      let start = starts[child] as number;
      let end = ends[child] as number;
      if (shifts !== undefined) {
        const inherited = shifts[span] as number;
        shifts[child] = inherited;
        start += inherited;
        end += inherited;
        if ((start < from || end > to) && high - low === 1 && isSkewedServer(span, child)) {
          const shift = start < from ? from - start : to - end;
          shifts[child] = inherited + shift;
          start += shift;
          end += shift;
        } else if (start < from && end > to) continue;
      }
      if (start >= to || (start < from && end <= from)) continue;
      starts[child] = Math.max(start, from);
      ends[child] = Math.min(end, to);
      kept -= 1;
      children[kept] = child;
    }
    children.fill(-1, low, kept);
    sort(children, kept, high, ends, scratch, robust);
    for (let index = kept; index < high; index += 1) {
      depth += 1;
      stack[depth] = children[index] as number;
    }
  }
  return { children, first, starts, ends };

  /** CRISP's case 0: a server that seems to stick out of its client because their clocks differ. */
  function isSkewedServer(span: number, child: number): boolean {
    const own = (ownEnds[child] as number) - (ownStarts[child] as number);
    if (own > serverLengthening * ((ends[span] as number) - (starts[span] as number))) return false;
    if (kinds[span] === client && kinds[child] === server) return true;
    const above = parents[span] as number;
    if (kinds[child] === server && kinds[span] !== server && above >= 0 && kinds[above] === server) return true;
    const host = hosts?.[span] ?? -1;
    const childHost = hosts?.[child] ?? -1;
    return host >= 0 && childHost >= 0 && host !== childHost;
  }
};

/** By end, ascending; of equal ends the preferred child comes last: the first in order for `strict`, the last for `robust`. */
const sort = (
  list: Int32Array,
  low: number,
  high: number,
  ends: Float64Array,
  scratch: Int32Array,
  lastWins: boolean,
): void => {
  if (!lastWins) list.subarray(low, high).reverse();
  let isSorted = true;
  for (let index = low + 1; index < high && isSorted; index += 1) {
    isSorted = (ends[list[index - 1] as number] as number) <= (ends[list[index] as number] as number);
  }
  if (isSorted) return;
  if (high - low <= 24) {
    for (let index = low + 1; index < high; index += 1) {
      const span = list[index] as number;
      const end = ends[span] as number;
      let slot = index - 1;
      for (; slot >= low && (ends[list[slot] as number] as number) > end; slot -= 1)
        list[slot + 1] = list[slot] as number;
      list[slot + 1] = span;
    }
    return;
  }
  // Bottom-up merge sort: stable, and free of the calls to a comparator that make a typed array's own sort slow.
  let source = list;
  let target = scratch;
  for (let width = 1; width < high - low; width *= 2) {
    for (let begin = low; begin < high; begin += 2 * width) {
      const middle = Math.min(begin + width, high);
      const stop = Math.min(begin + 2 * width, high);
      let left = begin;
      let right = middle;
      for (let slot = begin; slot < stop; slot += 1) {
        const takesLeft =
          left < middle &&
          (right >= stop || (ends[source[left] as number] as number) <= (ends[source[right] as number] as number));
        target[slot] = source[takesLeft ? left : right] as number;
        if (takesLeft) left += 1;
        else right += 1;
      }
    }
    [source, target] = [target, source];
  }
  if (source !== list) list.set(scratch.subarray(low, high), low);
};
