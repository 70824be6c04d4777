import { blindAlert } from './breach-alert.ts';
import type { Evaluating } from './evaluating.ts';
import { tell } from './settle.ts';
import { type Health, watchSource } from './source-health.ts';

/** Whether something that rules depend on could be asked, or a rule be evaluated at all. */
export interface Outcome {
  readonly name: string;
  /** A rule that cannot be evaluated counts as a source that does not answer. @default source */
  readonly kind?: 'source' | 'rule';
  readonly uses: readonly string[];
  readonly error?: string;
}

/** Keeps account of who answers, and tells when a source goes blind or sees again. Told before it is stored: see settle(). */
export const watchSources = async (given: Evaluating, outcomes: readonly Outcome[], at: number): Promise<void> => {
  const { table, config, log, trace } = given;
  const stored = new Map((await table.query('watermark-source')).map((item) => [item.sk, item['health'] as Health]));
  for (const { name, kind = 'source', error, uses } of outcomes) {
    const former = stored.get(name);
    const outcome = error === undefined ? { at } : { at, error };
    const { health, transition } = watchSource(former, outcome, config.blindAfterSeconds ?? 60);
    if (error !== undefined) log('error', `${kind} ${problems[kind].wrong}`, { source: name, reason: error });
    if (transition !== undefined) {
      const since = (transition === 'blind' ? health?.failingSince : former?.failingSince) ?? at;
      const status = transition === 'blind' ? ('firing' as const) : ('resolved' as const);
      const { wrong, right } = problems[kind];
      const reason = transition === 'blind' ? (error ?? '') : `it ${right}`;
      const summary = transition === 'blind' ? `${name} ${wrong}: watermarks are blind` : `${name} ${right}`;
      await tell(given, [blindAlert({ source: name, summary, status, since, at, reason, rules: uses, trace })]);
    }
    if (health === former) continue;
    if (health === undefined) await table.delete('watermark-source', name);
    else await table.put({ pk: 'watermark-source', sk: name, health });
  }
  for (const [name, health] of stored) {
    if (!outcomes.some((outcome) => outcome.name === name)) await forget(given, name, health, at);
  }
};

/** What is no longer configured is no longer blind; nobody else would say so. */
const forget = async (given: Evaluating, name: string, health: Health, at: number) => {
  const { table, trace } = given;
  if (health.blindSince !== undefined) {
    const reason = 'it is no longer configured';
    const summary = `${name} is no longer watched`;
    const since = health.failingSince;
    await tell(given, [blindAlert({ source: name, summary, status: 'resolved', since, at, reason, rules: [], trace })]);
  }
  await table.delete('watermark-source', name);
};

const problems = {
  source: { wrong: 'does not answer', right: 'answers again' },
  rule: { wrong: 'cannot be evaluated', right: 'can be evaluated again' },
} as const;
