import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { CallTree } from '../lib/trace/root-cause.ts';

/** One entry of the manifest of a converted Nezha data set. */
export interface NezhaItem {
  readonly id: string | null;
  readonly kind: 'normal' | 'fault';
  readonly day: string;
  readonly system?: string;
  readonly inject_time?: string;
  readonly inject_pod?: string;
  readonly inject_type?: string;
}

export const nezhaItems = (folder: string): readonly NezhaItem[] =>
  (JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { items: NezhaItem[] }).items;

/** `ts-food-service-f5756978c-k8vqf` is a pod of `ts-food-service`. */
export const serviceOfPod = (pod: string): string => pod.replace(/-[0-9a-f]{6,10}-[0-9a-z]{5}$/, '');

/** The traces of one window, exact duplicates removed, with the start of each trace in seconds since the epoch. */
export const nezhaTraces = (
  folder: string,
  id: string,
): readonly { readonly at: number; readonly tree: CallTree }[] => {
  const file = JSON.parse(gunzipSync(readFileSync(join(folder, `${id}.json.gz`))).toString('utf8')) as {
    t0us: number;
    pods: string[];
    ops: string[];
    cols: number[][];
  };
  const [trace = [], span = [], parent = [], pod = [], op = [], start = [], duration = []] = file.cols;
  const services = file.pods.map(serviceOfPod);
  const rows = new Map<number, Map<number, number>>();
  trace.forEach((id, row) => {
    let own = rows.get(id);
    if (own === undefined) {
      own = new Map();
      rows.set(id, own);
    }
    const number = span[row] as number;
    if (!own.has(number)) own.set(number, row);
  });
  return [...rows.values()].map((own) => {
    const list = [...own.values()];
    const position = new Map(list.map((row, at) => [span[row] as number, at]));
    const seconds = list.map((row) => (start[row] as number) / 1e6);
    return {
      at: file.t0us / 1e6 + Math.min(...seconds),
      tree: {
        services: list.map((row) => services[pod[row] as number] as string),
        operations: list.map((row) => file.ops[op[row] as number] as string),
        parents: list.map((row) => position.get(parent[row] as number) ?? -1),
        starts: seconds,
        ends: list.map((row, at) => (seconds[at] as number) + (duration[row] as number) / 1e6),
      },
    };
  });
};
