import type {
  Attributes as ApiAttributes,
  Span as ApiSpan,
  AttributeValue as ApiValue,
  Exception,
  Link,
  SpanContext,
  SpanStatus,
  TimeInput,
} from '@opentelemetry/api';
import type { Promote } from '../model/back-end.ts';
import type { Attributes, AttributeValue, Scope, Span, SpanEvent, SpanLink } from '../model/span.ts';
import type { RandomId } from './random-ids.ts';

/** How much one span may hold; what is beyond is left out and counted. */
export interface SpanLimits {
  readonly attributes: number;
  /** Characters of one text; Infinity for no limit. */
  readonly valueLength: number;
  readonly events: number;
  readonly links: number;
  readonly eventAttributes: number;
  readonly linkAttributes: number;
}

/** Nanoseconds as a bigint, or microseconds as a number: these cost nothing until they are sent. */
export type Stamp = bigint | number;

/** What all spans of a tracer share. */
export interface Recording {
  readonly stamp: () => Stamp;
  /** The same, where another stamp was taken a moment ago. */
  readonly nextStamp: () => Stamp;
  /** The same as a distance from an earlier stamp, for spans that are kept so; absent where stamps are no numbers. */
  readonly since?: ((base: number) => number) | undefined;
  readonly resource: Attributes;
  readonly scope: Scope;
  readonly limits: SpanLimits;
  readonly randomId: RandomId;
  readonly keep: (span: Span) => void;
  readonly promote?: Promote | undefined;
}

/** What the spans of one batch have in common; any other span has it by itself. */
export interface Shared {
  readonly recording: Recording;
  readonly traceId: string;
  readonly parentSpanId: string | undefined;
  readonly traceState: SpanContext['traceState'];
  /** OTLP `flags`. */
  readonly flags: number;
  /** Of OTLP, which counts from 1. */
  readonly kind: number;
  /** What the span's own times are counted from: a difference is a small integer, a time is an object. Undefined: they are times. */
  readonly base: Stamp | undefined;
  /** Asked for what is said of a span of a batch, when somebody first reads it. */
  readonly telling: Telling<unknown> | undefined;
}

/** What is said of the spans of a batch of messages. Most of them are first read when they are sent. */
export interface Telling<Message> {
  /** Made for this span alone, all of them with values. `elapsedMs`: from the start of the batch to that of the span. */
  readonly attributes: (message: Message, elapsedMs: number) => Record<string, AttributeValue>;
  /** As the wire has them. */
  readonly links: (message: Message) => readonly SpanLink[];
  /** The id that was asked for; undefined for a random one. */
  readonly spanId: (message: Message) => string | undefined;
}

/** A span under way, and when it has ended the finished span itself: copying it field by field would cost more than recording it. */
export class RecordingSpan implements ApiSpan, Span {
  protected readonly shared: Shared;
  readonly #told: unknown;
  readonly #start: Stamp;
  #end: Stamp | undefined = undefined;
  #more: More | undefined = undefined;
  #spanId: string | undefined;
  name: string;

  /** `start` as it is kept (`since`). `told`: the message that `shared.telling` is asked about, also for the id where there is none yet. */
  constructor(shared: Shared, spanId: string | undefined, name: string, start: Stamp, told?: unknown) {
    this.shared = shared;
    this.#told = told;
    this.#start = start;
    this.#spanId = spanId;
    this.name = name;
  }

  get spanId(): string {
    const { telling, recording } = this.shared;
    this.#spanId ??= telling?.spanId(this.#told) ?? recording.randomId(16);
    return this.#spanId;
  }

  get traceId(): string {
    return this.shared.traceId;
  }
  get parentSpanId(): string | undefined {
    return this.shared.parentSpanId;
  }
  get flags(): number {
    return this.shared.flags;
  }
  get kind(): number {
    return this.shared.kind;
  }
  get resource(): Attributes {
    return this.shared.recording.resource;
  }
  get scope(): Scope {
    return this.shared.recording.scope;
  }
  get traceState(): string | undefined {
    return this.#more?.traceState ?? (this.shared.traceState?.serialize() || undefined);
  }
  get attributes(): Record<string, AttributeValue> {
    const { telling } = this.shared;
    if (telling === undefined) return this.#more?.attributes ?? noAttributes;
    const more = this.#moreOf();
    more.attributes ??= this.#limited(telling.attributes(this.#told, this.#elapsedMs()), more);
    return more.attributes;
  }
  get links(): readonly SpanLink[] {
    const { telling } = this.shared;
    if (telling === undefined) return this.#more?.links ?? none;
    const more = this.#moreOf();
    more.links ??= telling.links(this.#told);
    return more.links;
  }
  get events(): readonly SpanEvent[] {
    return this.#more?.events ?? none;
  }
  get status(): number {
    return this.#more?.status ?? 0;
  }
  get statusMessage(): string | undefined {
    return this.#more?.statusMessage;
  }
  get droppedAttributesCount(): number | undefined {
    return this.#more?.droppedAttributesCount;
  }
  get droppedEventsCount(): number | undefined {
    return this.#more?.droppedEventsCount;
  }
  get droppedLinksCount(): number | undefined {
    return this.#more?.droppedLinksCount;
  }
  get startNanos(): bigint {
    return timeOf(this.shared.base, this.#start);
  }
  get endNanos(): bigint {
    const end = timeOf(this.shared.base, this.#end ?? this.#start);
    const start = this.startNanos;
    return end < start ? start : end;
  }
  /** When it ended, as it is kept: what follows at once starts then, and need not ask for the time again. */
  get ended(): Stamp | undefined {
    return this.#end;
  }
  spanContext(): SpanContext {
    // Made when it is first asked for: most spans of a batch are neither injected nor have children.
    const more = this.#moreOf();
    const { traceId, flags, traceState } = this.shared;
    more.context ??= contextIn(traceId, this.spanId, flags & 0xff, traceState);
    return more.context;
  }
  /** Attributes that were made for this span alone, all of them with values: kept, and copied only where they have to be cut. */
  describe(attributes: Record<string, AttributeValue>): void {
    const more = this.#moreOf();
    more.attributes = this.#limited(attributes, more);
  }
  copyAttributes(attributes: ApiAttributes): void {
    const { limits } = this.shared.recording;
    const more = this.#moreOf();
    more.attributes = copied(attributes, limits.attributes, limits.valueLength, more);
  }
  setAttribute(key: string, value: ApiValue): this {
    if (this.#end !== undefined || value === undefined || value === null) return this;
    const more = this.#moreOf();
    more.attributes ??= this.shared.telling === undefined ? {} : this.attributes;
    const { attributes } = more;
    const { limits } = this.shared.recording;
    if (!Object.hasOwn(attributes, key)) {
      if (more.count < 0) more.count = Object.keys(attributes).length;
      if (more.count >= limits.attributes) {
        dropped(more, 'droppedAttributesCount');
        return this;
      }
      more.count += 1;
    }
    attributes[key] = shortened(value as AttributeValue, limits.valueLength);
    return this;
  }
  setAttributes(attributes: ApiAttributes): this {
    for (const key in attributes) this.setAttribute(key, attributes[key] as ApiValue);
    return this;
  }
  addEvent(name: string, attributesOrTime?: ApiAttributes | TimeInput, time?: TimeInput): this {
    if (this.#end !== undefined) return this;
    const { limits, stamp } = this.shared.recording;
    const more = this.#moreOf();
    if (more.events.length >= limits.events) {
      // The first ones stay: they say how it began, and later ones are usually more of the same.
      dropped(more, 'droppedEventsCount');
      return this;
    }
    const hasAttributes =
      typeof attributesOrTime === 'object' && !Array.isArray(attributesOrTime) && !(attributesOrTime instanceof Date);
    const at = hasAttributes ? time : (attributesOrTime as TimeInput | undefined);
    const event: Counted<SpanEvent> = { name, timeNanos: nanosOf(toStamp(at, stamp)), attributes: {} };
    if (hasAttributes) {
      event.attributes = copied(attributesOrTime as ApiAttributes, limits.eventAttributes, limits.valueLength, event);
    }
    if (more.events === none) more.events = [];
    more.events.push(event);
    return this;
  }
  addLink(link: Link): this {
    return this.addLinks([link]);
  }
  addLinks(links: Link[]): this {
    if (this.#end !== undefined || links.length === 0) return this;
    const { limits } = this.shared.recording;
    const before = this.links;
    const more = this.#moreOf();
    const room = limits.links - before.length;
    const taken = links.length <= room ? links : links.slice(0, Math.max(0, room));
    for (let at = taken.length; at < links.length; at++) dropped(more, 'droppedLinksCount');
    const added = taken.map((link) => linkIn(link, limits));
    more.links = before.length === 0 ? added : [...before, ...added];
    return this;
  }
  setStatus(status: SpanStatus): this {
    // OK is final, and unset never takes a status back: the rule of the specification.
    if (this.#end !== undefined || status.code === 0 || this.#more?.status === 1) return this;
    const more = this.#moreOf();
    more.status = status.code;
    more.statusMessage = status.message;
    return this;
  }
  updateName(name: string): this {
    if (this.#end === undefined) this.name = name;
    return this;
  }
  end(endTime?: TimeInput): void {
    if (this.#end !== undefined) return;
    const { recording, base, flags } = this.shared;
    const { promote, nextStamp, keep } = recording;
    this.#end = endTime === undefined ? now(recording, base) : since(base, toStamp(endTime, nextStamp));
    const promotion = promote?.(this);
    if (promotion === undefined) {
      if ((flags & 1) === 1) keep(this);
      return;
    }
    const more = this.#moreOf();
    more.attributes = { ...this.attributes, ...promotion.attributes };
    if (promotion.traceState !== undefined) more.traceState = promotion.traceState;
    keep(this);
  }
  isRecording(): boolean {
    return this.#end === undefined;
  }
  recordException(exception: Exception, time?: TimeInput): void {
    const { code, name, message, stack }: Partial<Error & { code: string | number }> =
      typeof exception === 'string' ? { message: exception } : exception;
    const attributes: Record<string, string> = {};
    for (const [key, value] of Object.entries({ type: code ?? name, message, stacktrace: stack })) {
      if (value !== undefined) attributes[`exception.${key}`] = String(value);
    }
    this.addEvent('exception', attributes, time);
  }
  #moreOf(): More {
    this.#more ??= new More();
    return this.#more;
  }
  #limited(attributes: Record<string, AttributeValue>, owner: More): Record<string, AttributeValue> {
    const { limits } = this.shared.recording;
    return limits.valueLength === Number.POSITIVE_INFINITY
      ? attributes
      : copied(attributes as ApiAttributes, limits.attributes, limits.valueLength, owner);
  }
  #elapsedMs(): number {
    const start = this.#start;
    return typeof start === 'bigint' ? Number(start / 1000n) / 1000 : start / 1000;
  }
}

/** What has been said of a span, and its context once somebody asked for it: a span of a batch needs none of it until it is sent. */
class More {
  attributes: Record<string, AttributeValue> | undefined = undefined;
  /** How many attributes there are; below zero until somebody asks. */
  count = -1;
  links: readonly SpanLink[] | undefined = undefined;
  events: SpanEvent[] = none;
  status = 0;
  statusMessage: string | undefined = undefined;
  /** In place of the one that it began with. */
  traceState: string | undefined = undefined;
  context: SpanContext | undefined = undefined;
  declare droppedAttributesCount?: number;
  declare droppedEventsCount?: number;
  declare droppedLinksCount?: number;
}

/** The time as it is kept. */
export const now = (recording: Recording, base: Stamp | undefined): Stamp =>
  recording.since !== undefined && typeof base === 'number'
    ? recording.since(base)
    : since(base, recording.nextStamp());

/** A time as it is kept: a difference from the base, if there is one. */
const since = (base: Stamp | undefined, time: Stamp): Stamp => {
  if (base === undefined) return time;
  if (typeof base === 'bigint' || typeof time === 'bigint') return nanosOf(time) - nanosOf(base);
  const micros = time - base;
  return micros >= 0 && micros < 0x7fffffff ? micros | 0 : micros;
};

/** And back, as nanoseconds. */
const timeOf = (base: Stamp | undefined, kept: Stamp): bigint =>
  base === undefined ? nanosOf(kept) : nanosOf(base) + nanosOf(kept);

type Dropped = 'droppedAttributesCount' | 'droppedEventsCount' | 'droppedLinksCount';
/** One more of what found no room. */
const dropped = (owner: { [Key in Dropped]?: number | undefined }, key: Dropped): void => {
  owner[key] = (owner[key] ?? 0) + 1;
};

/** While it is being made, what will be read-only may still be written. */
type Counted<T> = { -readonly [Key in keyof T]: T[Key] };

/** Shared by all spans that have none; never written to. */
const none: never[] = [];
const noAttributes: Record<string, AttributeValue> = {};

const contextIn = (
  traceId: string,
  spanId: string,
  traceFlags: number,
  traceState: SpanContext['traceState'],
): SpanContext =>
  traceState === undefined ? { traceId, spanId, traceFlags } : { traceId, spanId, traceFlags, traceState };

/** OTLP: the flags of W3C in the low byte; bit 8 says that bit 9 tells whether the context came from another process. */
export const flagsOf = (traceFlags: number, isRemote: boolean | undefined): number =>
  (traceFlags & 0xff) | (isRemote === true ? 0x300 : 0x100);

const linkIn = ({ context, attributes, droppedAttributesCount }: Link, limits: SpanLimits): SpanLink => {
  const { traceId, spanId, traceState } = context;
  const link: Counted<SpanLink> = { traceId, spanId, flags: flagsOf(context.traceFlags, context.isRemote) };
  const serialised = traceState?.serialize();
  if (serialised) link.traceState = serialised;
  if (droppedAttributesCount) link.droppedAttributesCount = droppedAttributesCount;
  if (attributes !== undefined) {
    link.attributes = copied(attributes, limits.linkAttributes, limits.valueLength, link);
  }
  return link;
};

/** Attributes that have a value, within the limits; what found no room is counted at the owner. */
const copied = (
  attributes: ApiAttributes,
  most: number,
  valueLength: number,
  owner: { droppedAttributesCount?: number },
): Record<string, AttributeValue> => {
  let count = 0;
  let isPlain = valueLength === Number.POSITIVE_INFINITY;
  for (const key in attributes) {
    if (attributes[key] === undefined || attributes[key] === null) isPlain = false;
    else count += 1;
  }
  // A clone is far cheaper than a copy member by member, and few callers hand in attributes without a value.
  if (isPlain && count <= most) return { ...attributes } as Record<string, AttributeValue>;
  const kept: Record<string, AttributeValue> = {};
  let room = most;
  for (const key in attributes) {
    const value = attributes[key] as AttributeValue | undefined;
    if (value === undefined || value === null) continue;
    if (room-- > 0) kept[key] = shortened(value, valueLength);
    else dropped(owner, 'droppedAttributesCount');
  }
  return kept;
};

/** Texts cut to a length in characters, those in lists as well. No half of a surrogate pair is left. */
const shortened = (value: AttributeValue, most: number): AttributeValue => {
  if (most === Number.POSITIVE_INFINITY) return value;
  if (typeof value === 'string') {
    if (value.length <= most) return value;
    const last = value.charCodeAt(most - 1);
    return value.slice(0, last >= 0xd800 && last <= 0xdbff ? most - 1 : most);
  }
  return Array.isArray(value) ? value.map((member) => shortened(member, most)) : value;
};

/** The API's times: absent (now), a Date, milliseconds since the epoch, or [seconds, nanoseconds]. */
export const toStamp = (time: TimeInput | undefined, stamp: () => Stamp): Stamp => {
  if (time === undefined) return stamp();
  if (Array.isArray(time)) return BigInt(time[0]) * 1_000_000_000n + BigInt(time[1]);
  return Math.round((typeof time === 'number' ? time : time.getTime()) * 1000);
};

const nanosOf = (stamp: Stamp): bigint => (typeof stamp === 'bigint' ? stamp : BigInt(stamp) * 1000n);
