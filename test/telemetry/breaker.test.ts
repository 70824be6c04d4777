import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BreakerState, breaker } from '../../lib/telemetry/breaker.ts';

const second = 1000;

test('opens on a busy CPU after 30 s, not before, and one idle second begins anew', () => {
  const it = breaker();
  for (let at = 0; at < 29; at++) it.cpu(0.85, at * second, (at + 1) * second);
  assert.equal(it.state.open, false);
  it.cpu(0.84, 29 * second, 30 * second);
  for (let at = 30; at < 59; at++) it.cpu(1, at * second, (at + 1) * second);
  assert.equal(it.state.open, false);
  it.cpu(1, 59 * second, 60 * second);
  assert.deepEqual(it.state, { open: true, reasons: ['cpu'] });
});

test('opens on the 99th percentile of export times over 5 s, not on one slow export of two hundred', () => {
  const it = breaker();
  for (let at = 0; at < 199; at++) it.exported(100, at);
  it.exported(9000, 200);
  assert.equal(it.state.open, false);
  it.exported(9000, 201);
  it.exported(5001, 202);
  assert.deepEqual(it.state, { open: true, reasons: ['export'] });
  const just = breaker();
  just.exported(5000, 0);
  assert.equal(just.state.open, false);
  just.exported(5001, 1);
  assert.equal(just.state.open, true);
});

test('opens on three major collections within a minute, not on three within more', () => {
  const it = breaker();
  it.collected(0);
  it.collected(30 * second);
  it.collected(60 * second);
  assert.equal(it.state.open, false);
  it.collected(61 * second);
  assert.deepEqual(it.state, { open: true, reasons: ['collections'] });
});

test('closes after a quiet minute, not while a condition is above four fifths of its bound, and tells of both', () => {
  const told: BreakerState[] = [];
  const it = breaker({ cpuSeconds: 1 }, (state) => told.push(state));
  it.cpu(0.9, 0, second);
  assert.equal(it.state.open, true);
  // 0.7 is below what opens it and above what lets it close.
  for (let at = 1; at < 200; at++) it.cpu(0.7, at * second, (at + 1) * second);
  assert.equal(it.state.open, true);
  for (let at = 200; at < 260; at++) it.cpu(0.5, at * second, (at + 1) * second);
  assert.equal(it.state.open, true);
  it.cpu(0.5, 260 * second, 261 * second);
  assert.equal(it.state.open, false);
  assert.deepEqual(told, [
    { open: true, reasons: ['cpu'] },
    { open: false, reasons: [] },
  ]);
});

test('forgets export times and collections with time alone', () => {
  const it = breaker();
  it.exported(9000, 0);
  for (let at = 1; at <= 120; at++) it.tick(at * second);
  assert.equal(it.state.open, false);
});
