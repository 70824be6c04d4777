import type { Alert } from '../model/alert.ts';

/** What a table item can hold beside an alert's neighbours in a message. */
const maxBytes = 100_000;

/** Labels stand in keys of groups and beside every reference to an alert; Prometheus itself takes far fewer. */
export const maxLabelBytes = 16 * 1024;

/** An alert that would not fit an item loses annotations, the longest first; its labels are its identity and stay. */
export const fitting = <Given extends Alert>(alert: Given): Given => {
  if (Buffer.byteLength(JSON.stringify(alert)) <= maxBytes) return alert;
  const annotations = { ...alert.annotations };
  for (const name of Object.keys(annotations).sort(
    (a, b) => (annotations[b]?.length ?? 0) - (annotations[a]?.length ?? 0),
  )) {
    annotations[name] = `${(annotations[name] ?? '').slice(0, 200).toWellFormed()}…`;
    if (Buffer.byteLength(JSON.stringify({ ...alert, annotations })) <= maxBytes) break;
  }
  return { ...alert, annotations };
};
