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
  readonly resource: Attributes;
  readonly scope: Scope;
  readonly limits: SpanLimits;
  readonly keep: (span: Span) => void;
  readonly promote?: Promote | undefined;
}

/** A span under way, and when it has ended the finished span itself: copying it field by field would cost more than recording it. */
export class RecordingSpan implements ApiSpan, Span {
  readonly #recording: Recording;
  readonly #traceState: SpanContext['traceState'];
  readonly #start: Stamp;
  #end: Stamp | undefined = undefined;
  #context: SpanContext | undefined = undefined;
  /** How many attributes there are; below zero until somebody asks. */
  #count = -1;
  readonly traceId: string;
  readonly spanId: string;
  declare readonly parentSpanId?: string;
  declare readonly traceState?: string;
  declare statusMessage?: string;
  declare droppedAttributesCount?: number;
  declare droppedEventsCount?: number;
  declare droppedLinksCount?: number;
  readonly flags: number;
  readonly kind: number;
  attributes: Record<string, AttributeValue> = noAttributes;
  name: string;
  status = 0;
  links: readonly SpanLink[] = none;
  events: SpanEvent[] = none;

  constructor(
    recording: Recording,
    traceId: string,
    spanId: string,
    traceFlags: number,
    traceState: SpanContext['traceState'],
    parent: SpanContext | undefined,
    name: string,
    kind: number,
    start: Stamp,
  ) {
    this.#recording = recording;
    this.#traceState = traceState;
    this.#start = start;
    this.traceId = traceId;
    this.spanId = spanId;
    if (parent !== undefined) this.parentSpanId = parent.spanId;
    this.flags = flagsOf(traceFlags, parent?.isRemote);
    // The API counts kinds from 0 (INTERNAL), OTLP from 1.
    this.kind = kind + 1;
    this.name = name;
  }

  get resource(): Attributes {
    return this.#recording.resource;
  }
  get scope(): Scope {
    return this.#recording.scope;
  }
  get startNanos(): bigint {
    return nanosOf(this.#start);
  }
  get endNanos(): bigint {
    const end = nanosOf(this.#end ?? this.#start);
    const start = this.startNanos;
    return end < start ? start : end;
  }
  spanContext(): SpanContext {
    // Made when it is first asked for: most spans of a batch are neither injected nor have children.
    this.#context ??= contextIn(this.traceId, this.spanId, this.flags & 0xff, this.#traceState);
    return this.#context;
  }
  /** Attributes that were made for this span alone, all of them with values: kept, and copied only where they have to be cut. */
  describe(attributes: Record<string, AttributeValue>): void {
    if (this.#recording.limits.valueLength === Number.POSITIVE_INFINITY) this.attributes = attributes;
    else this.copyAttributes(attributes as ApiAttributes);
  }
  copyAttributes(attributes: ApiAttributes): void {
    const { limits } = this.#recording;
    this.attributes = copied(attributes, limits.attributes, limits.valueLength, this);
  }
  /** Links as the wire has them; kept, not copied. */
  takeLinks(links: readonly SpanLink[]): void {
    this.links = links;
  }
  setAttribute(key: string, value: ApiValue): this {
    if (this.#end !== undefined || value === undefined || value === null) return this;
    if (this.attributes === noAttributes) this.attributes = {};
    const { attributes } = this;
    const { limits } = this.#recording;
    if (!Object.hasOwn(attributes, key)) {
      if (this.#count < 0) this.#count = Object.keys(attributes).length;
      if (this.#count >= limits.attributes) {
        this.droppedAttributesCount = (this.droppedAttributesCount ?? 0) + 1;
        return this;
      }
      this.#count += 1;
    }
    attributes[key] =
      limits.valueLength === Number.POSITIVE_INFINITY
        ? (value as AttributeValue)
        : shortened(value as AttributeValue, limits.valueLength);
    return this;
  }
  setAttributes(attributes: ApiAttributes): this {
    for (const key in attributes) this.setAttribute(key, attributes[key] as ApiValue);
    return this;
  }
  addEvent(name: string, attributesOrTime?: ApiAttributes | TimeInput, time?: TimeInput): this {
    if (this.#end !== undefined) return this;
    const { limits, stamp } = this.#recording;
    if (this.events.length >= limits.events) {
      // The first ones stay: they say how it began, and later ones are usually more of the same.
      this.droppedEventsCount = (this.droppedEventsCount ?? 0) + 1;
      return this;
    }
    const hasAttributes =
      typeof attributesOrTime === 'object' && !Array.isArray(attributesOrTime) && !(attributesOrTime instanceof Date);
    const at = hasAttributes ? time : (attributesOrTime as TimeInput | undefined);
    const event: Counted<SpanEvent> = { name, timeNanos: nanosOf(toStamp(at, stamp)), attributes: {} };
    if (hasAttributes) {
      event.attributes = copied(attributesOrTime as ApiAttributes, limits.eventAttributes, limits.valueLength, event);
    }
    if (this.events === none) this.events = [];
    this.events.push(event);
    return this;
  }
  addLink(link: Link): this {
    return this.addLinks([link]);
  }
  addLinks(links: Link[]): this {
    if (this.#end !== undefined || links.length === 0) return this;
    const { limits } = this.#recording;
    const room = limits.links - this.links.length;
    const taken = links.length <= room ? links : links.slice(0, Math.max(0, room));
    if (taken.length < links.length) {
      this.droppedLinksCount = (this.droppedLinksCount ?? 0) + links.length - taken.length;
    }
    const added = taken.map((link) => linkIn(link, limits));
    this.links = this.links === none ? added : [...this.links, ...added];
    return this;
  }
  setStatus(status: SpanStatus): this {
    // OK is final, and unset never takes a status back: the rule of the specification.
    if (this.#end !== undefined || status.code === 0 || this.status === 1) return this;
    this.status = status.code;
    if (status.message !== undefined) this.statusMessage = status.message;
    else if (this.statusMessage !== undefined) delete this.statusMessage;
    return this;
  }
  updateName(name: string): this {
    if (this.#end === undefined) this.name = name;
    return this;
  }
  end(endTime?: TimeInput): void {
    if (this.#end !== undefined) return;
    const { promote, nextStamp, keep } = this.#recording;
    this.#end = endTime === undefined ? nextStamp() : toStamp(endTime, nextStamp);
    const traceState = this.#traceState;
    if (traceState !== undefined) {
      const serialised = traceState.serialize();
      if (serialised !== '') (this as { traceState?: string }).traceState = serialised;
    }
    const promotion = promote?.(this);
    if (promotion === undefined) {
      if ((this.flags & 1) === 1) keep(this);
      return;
    }
    this.attributes = { ...this.attributes, ...promotion.attributes };
    if (promotion.traceState !== undefined) (this as { traceState?: string }).traceState = promotion.traceState;
    keep(this);
  }
  isRecording(): boolean {
    return this.#end === undefined;
  }
  recordException(exception: Exception, time?: TimeInput): void {
    const error = typeof exception === 'string' ? { message: exception } : exception;
    const attributes: Record<string, string> = {};
    if ('code' in error && error.code !== undefined) attributes['exception.type'] = String(error.code);
    else if ('name' in error && error.name !== undefined) attributes['exception.type'] = error.name;
    if (error.message !== undefined) attributes['exception.message'] = error.message;
    if ('stack' in error && error.stack !== undefined) attributes['exception.stacktrace'] = error.stack;
    this.addEvent('exception', attributes, time);
  }
}

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
const flagsOf = (traceFlags: number, isRemote: boolean | undefined): number =>
  (traceFlags & 0xff) | (isRemote === true ? 0x300 : 0x100);

const linkIn = ({ context, attributes, droppedAttributesCount }: Link, limits: SpanLimits): SpanLink => {
  const { traceId, spanId, traceState } = context;
  const link: Counted<SpanLink> = { traceId, spanId, flags: flagsOf(context.traceFlags, context.isRemote) };
  if (traceState !== undefined) {
    const serialised = traceState.serialize();
    if (serialised !== '') link.traceState = serialised;
  }
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
    else owner.droppedAttributesCount = (owner.droppedAttributesCount ?? 0) + 1;
  }
  return kept;
};

/** Texts cut to a length in characters, those in lists as well. No half of a surrogate pair is left. */
const shortened = (value: AttributeValue, most: number): AttributeValue => {
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
