import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTraceState, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { TraceContext } from '../../lib/model/trace-context.ts';
import { extractFrom } from '../../lib/propagation/extract.ts';
import { formats } from '../../lib/propagation/formats/index.ts';
import { findAny } from '../../lib/propagation/lookup.ts';
import { propagation } from '../../lib/propagation/propagation.ts';
import { asTextMapPropagator } from '../../lib/propagation/text-map.ts';

const context: TraceContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  flags: 1,
  traceState: undefined,
};
const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
const written = (format: (typeof formats)[keyof typeof formats], what: TraceContext): Record<string, string> => {
  const carrier: Record<string, string> = {};
  format.write(what, (name, value) => {
    carrier[name] = value;
  });
  return carrier;
};
const garbage = [
  '',
  '-',
  ',',
  '00',
  'x'.repeat(10_000),
  '00-zz',
  '\u0000',
  '{"a":1}',
  'Root=',
  '=;=;',
  '💥'.repeat(20),
  '-1',
  '1e9',
];

test('every member file of the registry is listed under its name', () => {
  const files = globSync('*.ts', { cwd: join(import.meta.dirname, '../../lib/propagation/formats') });
  const members = files.filter((file) => file !== 'index.ts').map((file) => file.replace('.ts', ''));
  assert.deepEqual(members.sort(), Object.keys(formats).sort());
  for (const [name, format] of Object.entries(formats)) assert.equal(format.name, name);
  const root = join(import.meta.dirname, '../..');
  const index = readFileSync(join(root, 'lib/propagation/formats/index.ts'), 'utf8');
  const { imports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    imports: Record<string, string>;
  };
  for (const member of members) {
    // One that a bundle may leave out goes by a name of package.json.
    const names = Object.keys(imports).filter((name) => imports[name] === `./lib/propagation/formats/${member}.ts`);
    assert.ok(
      [`./${member}.ts`, ...names].some((name) => index.includes(`'${name}'`)),
      member,
    );
  }
});

for (const format of Object.values(formats)) {
  test(`${format.name} reads back what it wrote, sampled or not`, () => {
    for (const flags of [0, 1]) {
      const read = format.read(written(format, { ...context, flags }), text, findAny);
      assert.ok(typeof read !== 'string', String(read));
      assert.deepEqual({ ...read }, { ...context, flags });
    }
  });

  test(`${format.name} writes only its fields`, () => {
    const names = Object.keys(written(format, context));
    assert.ok(names.length > 0);
    for (const name of names) assert.ok(format.fields.includes(name), `${name} is not among its fields`);
    assert.equal(names[0], format.fields[0], 'the most important field first');
  });

  test(`${format.name} refuses garbage in words and never throws`, () => {
    for (const each of garbage) {
      for (const mark of format.marks) {
        const read = format.read({ [mark]: each }, text, findAny);
        if (typeof read === 'string') assert.notEqual(read, '');
        else assert.ok(!('spanId' in read), `${mark}: ${each}`);
      }
    }
    assert.equal(typeof format.read({}, text, findAny), 'string');
    assert.equal(
      typeof format.read(Object.fromEntries(format.marks.map((mark) => [mark, 7])), text, findAny),
      'string',
    );
  });

  test(`${format.name} works as an OpenTelemetry propagator`, () => {
    const propagator = asTextMapPropagator(format, { trace, createTraceState });
    const span = { traceId: context.traceId, spanId: context.spanId, traceFlags: 1 };
    const carrier: Record<string, string> = {};
    const setter = {
      set: (to: Record<string, string>, name: string, value: string) => {
        to[name] = value;
      },
    };
    const getter = { keys: Object.keys, get: (from: Record<string, string>, name: string) => from[name] };
    propagator.inject(trace.setSpanContext(ROOT_CONTEXT, span), carrier, setter);
    assert.deepEqual(Object.keys(carrier).sort(), Object.keys(written(format, context)).sort());
    const upper = Object.fromEntries(Object.entries(carrier).map(([name, value]) => [name.toUpperCase(), value]));
    for (const each of [carrier, upper]) {
      const found = trace.getSpanContext(propagator.extract(ROOT_CONTEXT, each, getter));
      assert.deepEqual({ ...found }, { ...span, isRemote: true });
    }
    assert.equal(propagator.extract(ROOT_CONTEXT, {}, getter), ROOT_CONTEXT);
    assert.equal(propagator.extract(ROOT_CONTEXT, { [format.fields[0] ?? '']: 'garbage' }, getter), ROOT_CONTEXT);
    assert.deepEqual(propagator.fields(), [...format.fields]);
    const none: Record<string, string> = {};
    propagator.inject(ROOT_CONTEXT, none, setter);
    assert.deepEqual(none, {});
  });

  test(`${format.name} carries B3's debug mark through OpenTelemetry where it can say it`, () => {
    const propagator = asTextMapPropagator(format, { trace, createTraceState });
    const getter = { keys: Object.keys, get: (from: Record<string, string>, name: string) => from[name] };
    const sent = written(format, { ...context, debug: true });
    const received = propagator.extract(ROOT_CONTEXT, sent, getter);
    const again: Record<string, string> = {};
    propagator.inject(received, again, { set: (to, name, value) => Object.assign(to, { [name]: value }) });
    assert.deepEqual(again, sent);
  });

  test(`${format.name} is found by extraction whatever the case of its names`, () => {
    const using = propagation({
      extract: [format.name as keyof typeof formats],
      custom: { fields: { traceId: 'my_trace_id' }, encoding: 'base64' },
    });
    const carrier = written(format, context);
    const upper = Object.fromEntries(Object.entries(carrier).map(([name, value]) => [name.toUpperCase(), value]));
    for (const each of [carrier, upper]) {
      const found = extractFrom(each, using);
      assert.deepEqual({ ...found.context }, { ...context });
      assert.equal(found.format, format.name);
    }
  });
}
