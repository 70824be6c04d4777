import type { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  type ContextManager,
  context as contextApi,
  createContextKey,
  ROOT_CONTEXT,
} from '@opentelemetry/api';

/** A context that can be changed under work that is running: what records that are handled one after the other share. */
export interface Lane {
  current: Context;
}

/** Runs work in a lane of its own, whose `current` is the active context until something else is activated inside of it. */
export type InLane = <Answer>(context: Context, work: (lane: Lane) => Answer) => Answer;

/** Told apart from a context by its class. */
class OwnLane implements Lane {
  current: Context;
  constructor(current: Context) {
    this.current = current;
  }
}

/** The active context of OpenTelemetry, kept by Node across everything asynchronous. */
class AsyncContextManager implements ContextManager {
  /** Made when something is first activated: it takes Node 0.3 ms to bring it in. */
  #storage: AsyncLocalStorage<Context | OwnLane> | undefined = undefined;
  #hooks: typeof import('node:async_hooks') | undefined = undefined;
  #outside = ROOT_CONTEXT;
  active(): Context {
    const store = this.#storage?.getStore();
    if (store instanceof OwnLane) return store.current;
    return store ?? this.#outside;
  }
  /** Whether it is this one that the API asks. */
  isInCharge(): boolean {
    if (this.#storage !== undefined) return contextApi.with(probe, () => this.active() === probe);
    this.#outside = probe;
    const answered = contextApi.active();
    this.#outside = ROOT_CONTEXT;
    return answered === probe;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    // The closure only where it is needed: this runs for every record.
    const call = thisArg === undefined ? fn : (...all: A) => fn.call(thisArg as never, ...all);
    return this.#entered(context, call as (...all: A) => ReturnType<F>, args);
  }
  inLane<Answer>(context: Context, work: (lane: Lane) => Answer): Answer {
    const lane = new OwnLane(context);
    return this.#entered(lane, work, [lane]);
  }
  bind<T>(context: Context, target: T): T {
    if (typeof target !== 'function') return target;
    return ((...args: unknown[]) => this.with(context, () => (target as (...all: unknown[]) => unknown)(...args))) as T;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    this.#storage?.disable();
    return this;
  }
  /** `run` of the storage makes one frame to go in and another to come back out; a resource remembers the one that we came from. */
  #entered<A extends unknown[], R>(store: Context | OwnLane, fn: (...args: A) => R, args: A): R {
    this.#hooks ??= process.getBuiltinModule('node:async_hooks');
    this.#storage ??= new this.#hooks.AsyncLocalStorage<Context | OwnLane>();
    return new this.#hooks.AsyncResource('tidemark.context').runInAsyncScope(
      enter,
      this.#storage,
      store,
      fn,
      args,
    ) as R;
  }
}

/** No closure: this runs for every record that has a context of its own. */
function enter(
  this: AsyncLocalStorage<Context | OwnLane>,
  store: Context | OwnLane,
  fn: (...args: never[]) => unknown,
  args: unknown[],
): unknown {
  this.enterWith(store);
  return fn(...(args as never[]));
}

/** One for the process, since the API takes but one. */
const manager = new AsyncContextManager();

/** Puts our context manager in charge, unless another is. Answers what it can besides, or nothing where it is not in charge. */
export const takeCharge = (): { readonly inLane?: InLane } => {
  // Answers false, and changes nothing, where a layer or an earlier call has set one.
  contextApi.setGlobalContextManager(manager);
  return manager.isInCharge() ? { inLane } : {};
};

const inLane: InLane = (context, work) => manager.inLane(context, work);
const probe: Context = ROOT_CONTEXT.setValue(createContextKey('tidemark.probe'), true);
