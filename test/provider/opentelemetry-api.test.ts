import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import * as api from '@opentelemetry/api';
import fc from 'fast-check';
import * as own from '../../lib/provider/opentelemetry-api.ts';

afterEach(() => {
  api.context.disable();
  api.trace.disable();
});

const manager = (): api.ContextManager => {
  const storage = new AsyncLocalStorage<api.Context>();
  const made: api.ContextManager = {
    active: () => storage.getStore() ?? api.ROOT_CONTEXT,
    with: (context, call, self, ...args) => storage.run(context, () => call.call(self as never, ...args)),
    bind: (_, target) => target,
    enable: () => made,
    disable: () => made,
  };
  return made;
};

const spanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };

test('it is of the version that is installed, so that both register with each other', () => {
  const file = join(import.meta.dirname, '../../node_modules/@opentelemetry/api/package.json');
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  const text = readFileSync(join(import.meta.dirname, '../../lib/provider/opentelemetry-api.ts'), 'utf8');
  assert.ok(text.includes(`const version = '${version}';`), version);
});

test('a context manager that a layer has registered is in charge, and one of ours is seen by everybody', () => {
  assert.equal(own.context.active(), own.ROOT_CONTEXT);
  assert.equal(
    own.context.with(own.ROOT_CONTEXT, (a: number) => a + 1, undefined, 1),
    2,
  );
  assert.equal(api.context.setGlobalContextManager(manager()), true);
  const context = api.ROOT_CONTEXT.setValue(api.createContextKey('k'), 1);
  api.context.with(context, () => assert.equal(own.context.active(), context));
  assert.equal(own.context.setGlobalContextManager(manager()), false, 'one is there');
  api.context.disable();
  const ours = manager();
  assert.equal(own.context.setGlobalContextManager(ours), true);
  ours.with(context, () => assert.equal(api.context.active(), context), undefined);
});

test('a provider that a layer has registered makes the spans, and one of ours is seen by everybody', () => {
  const tracer = { startSpan: () => api.trace.wrapSpanContext(spanContext) } as unknown as api.Tracer;
  assert.ok(own.trace.getTracerProvider() instanceof own.ProxyTracerProvider);
  assert.equal(own.trace.getTracer('a').startSpan('b').isRecording(), false);
  api.trace.setGlobalTracerProvider({ getTracer: () => tracer });
  assert.equal(own.trace.getTracer('a').startSpan('b').spanContext(), spanContext);
  assert.equal(own.trace.setGlobalTracerProvider({ getTracer: () => tracer }), false);
  api.trace.disable();
  assert.equal(own.trace.setGlobalTracerProvider({ getTracer: () => tracer }), true);
  assert.equal(api.trace.getTracer('a').startSpan('b').spanContext(), spanContext);
});

test('what one puts into a context the other finds there', () => {
  const span = own.trace.wrapSpanContext(spanContext);
  const baggage = { k: { value: 'v' } };
  const mine = own.propagation.setBaggage(
    own.trace.setSpan(own.ROOT_CONTEXT, span),
    own.propagation.createBaggage(baggage),
  );
  assert.equal(api.trace.getSpan(mine), span);
  assert.deepEqual(api.trace.getSpanContext(mine), spanContext);
  assert.deepEqual(api.propagation.getBaggage(mine)?.getAllEntries(), [['k', { value: 'v' }]]);
  const theirs = api.propagation.setBaggage(
    api.trace.setSpan(api.ROOT_CONTEXT, span),
    api.propagation.createBaggage(baggage),
  );
  assert.equal(own.trace.getSpan(theirs), span);
  assert.deepEqual(own.propagation.getBaggage(theirs)?.getEntry('k'), { value: 'v' });
  assert.equal(own.trace.getSpan(own.trace.deleteSpan(mine)), undefined);
  assert.equal(own.trace.getSpan(own.ROOT_CONTEXT), undefined);
});

test('a tracer without a provider continues the trace that there is, and records nothing', () => {
  const parent = own.trace.setSpan(own.ROOT_CONTEXT, own.trace.wrapSpanContext(spanContext));
  const mine = new own.ProxyTracerProvider().getTracer();
  const theirs = new api.ProxyTracerProvider().getTracer('a');
  for (const [options, from] of [
    [{}, parent],
    [{ root: true }, parent],
    [{}, own.ROOT_CONTEXT],
  ] as const)
    assert.deepEqual(
      mine.startSpan('b', options, from).spanContext(),
      theirs.startSpan('b', options, from).spanContext(),
    );
});

test('ids are valid where the API finds them so', () => {
  const digit = fc.constantFrom(...'0123456789abcdefABCDEFgG-');
  const id = (length: number) =>
    fc.oneof(
      fc.string({ unit: digit, minLength: length, maxLength: length }),
      fc.constantFrom('', '0'.repeat(length), `${'0'.repeat(length - 1)}1`, 'f'.repeat(length + 1)),
    );
  fc.assert(
    fc.property(id(32), id(16), (traceId, spanId) => {
      const each = { traceId, spanId, traceFlags: 0 };
      assert.equal(own.isSpanContextValid(each), api.isSpanContextValid(each));
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 1000) },
  );
});

test('tracestate is read, changed and written as the API does', () => {
  const key = fc.oneof(fc.constantFrom('a', 'ot', 'b@c', '1a@v', 'A', '', 'a b', `${'k'.repeat(257)}`), fc.string());
  const value = fc.oneof(
    fc.constantFrom('1', ' x', 'x ', '', 'a=b', 'é', 'v'.repeat(256), 'v'.repeat(257)),
    fc.string(),
  );
  const member = fc.oneof(
    fc.tuple(key, value).map(([name, text]) => `${name}=${text}`),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(member, { maxLength: 12 }), key, value, (members, name, text) => {
      const written = members.join(',');
      const [mine, theirs] = [own.createTraceState(written), api.createTraceState(written)];
      assert.equal(mine.serialize(), theirs.serialize());
      assert.equal(mine.get(name), theirs.get(name));
      assert.equal(mine.set(name, text).serialize(), theirs.set(name, text).serialize());
      assert.equal(mine.unset(name).serialize(), theirs.unset(name).serialize());
    }),
    { numRuns: Number(process.env['FUZZ_RUNS'] ?? 1000) },
  );
  const many = Array.from({ length: 33 }, (_, at) => `k${at}=1`);
  assert.equal(own.createTraceState(many.join(',')).serialize(), many.slice(0, 32).join(','));
  assert.equal(own.createTraceState(`a=${'1'.repeat(510)}`).serialize(), '');
  assert.equal(own.createTraceState().serialize(), '');
});

test('baggage is as the API has it', () => {
  const entries = { a: { value: '1' }, b: { value: '2', metadata: api.baggageEntryMetadataFromString('m') } };
  const both = [own.propagation.createBaggage(entries), api.propagation.createBaggage(entries)] as const;
  const [mine, theirs] = both.map((baggage) => [
    baggage.getAllEntries(),
    baggage.getEntry('a'),
    baggage.getEntry('none'),
    baggage.setEntry('a', { value: '3' }).getAllEntries(),
    baggage.removeEntry('a').getAllEntries(),
    baggage.removeEntries('a', 'b').getAllEntries(),
    baggage.clear().getAllEntries(),
  ]);
  assert.deepEqual(mine, theirs);
});

test('kinds and codes are those of the API', () => {
  for (const [name, code] of Object.entries(own.SpanKind)) assert.equal(api.SpanKind[name as 'SERVER'], code);
  for (const [name, code] of Object.entries(own.SpanStatusCode))
    assert.equal(api.SpanStatusCode[name as 'ERROR'], code);
});
