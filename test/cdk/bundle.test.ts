import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bundle } from '../../cdk/bundle.ts';

/** Bytes that each input leaves in a function's bundle. */
const inputsOf = (name: string): ReadonlyMap<string, number> => {
  const out = mkdtempSync(join(tmpdir(), 'tidemark-bundle-'));
  try {
    const { outputs } = bundle(name, out);
    const [output] = Object.values(outputs);
    return new Map(Object.entries(output?.inputs ?? {}).map(([file, { bytesInOutput }]) => [file, bytesInOutput]));
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
};

const sum = (inputs: ReadonlyMap<string, number>, of: (file: string) => boolean): number =>
  [...inputs].reduce((total, [file, bytes]) => (of(file) ? total + bytes : total), 0);

test('all channels, their words and their verdicts take 32 KB of deliver-alerts, and the whole room 90 KB', (t) => {
  const inputs = inputsOf('deliver-alerts');
  const isWords = (file: string) =>
    file.startsWith('lib/alert/channels/') ||
    /^lib\/(alert\/(say|pack|per-alert|picture|text|markup|words|verdict)|model\/template)\.ts$/.test(file);
  const words = sum(inputs, isWords);
  const room = sum(inputs, (file) => file.startsWith('lib/alert/'));
  t.diagnostic(
    `channels ${words} bytes, lib/alert ${room}, without node_modules ${sum(inputs, (file) => !/(^|\/)node_modules\//.test(file))}`,
  );
  assert.ok(words > 10_000, 'it saw the channels');
  assert.ok(words <= 32_000, `${words} bytes`);
  assert.ok(room <= 90_000, `${room} bytes`);
});
