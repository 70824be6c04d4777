import { inRange, predictLinear } from '../../../lib/watermark/forecast.ts';
import { readReplay } from '../../../lib/watermark/read-replay.ts';
import { replay } from '../../../lib/watermark/replay.ts';
import { type Active, activeAfterTicks, ourActiveAt } from '../../support/prometheus-ticks.ts';
import {
  anOutage,
  aPrediction,
  aRecording,
  aVectorRecording,
  type PredictionCase,
  type RuleCase,
  seeded,
} from '../../support/watermark-cases.ts';
import { type Part, type Peer, same } from '../part.ts';
import { answersOf, renewVectors, versionIn } from '../support/oracle.ts';
import { goSource } from '../tools.ts';

const tool = goSource('prometheus', 'prometheus');
const recordingCount = 20_000;
const predictionCount = 10_000;
const vectorCount = 2000;
const outageCount = 5000;

/** Prometheus' own rule evaluation and its predict_linear answer as ours. */
export const part: Part = {
  name: 'prometheus',
  title: 'Prometheus alerting rules and predict_linear',
  tools: [tool],
  run: async (report) => {
    const seed = Number(process.env['INTEROP_SEED'] ?? 20_261_124);
    const peer = report.peer('Prometheus', versionIn('prometheus', 'github.com/prometheus/prometheus'));
    const random = seeded(seed);
    const recordings = Array.from({ length: recordingCount }, () => aRecording(random));
    const states = await answersOf<{ readonly states: readonly string[] }>(tool, recordings);
    const expected = recordings.map((recording, index) => transitionsOf(recording, states[index]?.states ?? []));
    const count = expected.reduce((sum, each) => sum + each.length, 0);
    await peer.holds(
      `AlertingRule.Eval moves as our replay does over ${recordings.length} recordings (seed ${seed}; ${count} transitions)`,
      () => {
        if (count < recordings.length) throw new Error(`only ${count} transitions were seen`);
        for (const [index, recording] of recordings.entries()) {
          same(ourTransitions(recording), expected[index], JSON.stringify(recording));
        }
      },
    );
    const questions = Array.from({ length: predictionCount }, () => aPrediction(random));
    const answers = await answersOf<{ readonly predicted: string | null }>(tool, questions);
    const numbers = answers.filter(({ predicted }) => predicted !== null).length;
    await peer.holds(
      `predict_linear answers as ours to the last bit for ${questions.length} ranges (${numbers} of them with an answer)`,
      () => {
        if (numbers < questions.length / 2) throw new Error(`only ${numbers} had an answer`);
        for (const [index, question] of questions.entries()) {
          const theirs = answers[index]?.predicted;
          same(
            ourPrediction(question),
            theirs === null || theirs === undefined ? undefined : asNumber(theirs),
            JSON.stringify(question),
          );
        }
      },
    );
    await evaluatesVectors(peer, random);
    await comesBack(peer, random);
    peer.leaves(
      'sending, which deliver-alerts does; and that a firing alert is pending again after a restart: ours never stopped',
    );
    renewVectors(
      'prometheus-rules',
      recordings.slice(0, 250).map((recording, index) => ({ ...recording, expected: expected[index] })),
    );
    renewVectors(
      'predict-linear',
      questions.slice(0, 160).map((question, index) => ({ ...question, expected: answers[index]?.predicted })),
    );
  },
};

/** Whole ticks, with series that come, go and share their labels, against the same evaluations there. */
const evaluatesVectors = async (peer: Peer, random: () => number): Promise<void> => {
  const recordings = Array.from({ length: vectorCount }, () => aVectorRecording(random));
  const answers = await answersOf<{ readonly alerts: readonly Active[] }>(tool, recordings);
  const refused = answers.flatMap(({ alerts }) => alerts).filter((each) => each === 'refused').length;
  await peer.holds(
    `AlertingRule.Eval has the same alerts active as our ticks over ${recordings.length} recordings of several series (${refused} evaluations refused for equal labels)`,
    async () => {
      if (refused < recordings.length / 20) throw new Error(`only ${refused} evaluations were refused`);
      for (const [index, recording] of recordings.entries()) {
        same(await activeAfterTicks(recording), answers[index]?.alerts, JSON.stringify(recording));
      }
    },
  );
  renewVectors(
    'prometheus-vectors',
    recordings.slice(0, 60).map((recording, index) => ({ ...recording, expected: answers[index]?.alerts })),
  );
};

const comesBack = async (peer: Peer, random: () => number): Promise<void> => {
  const outages = Array.from({ length: outageCount }, () => anOutage(random));
  const answers = await answersOf<{ readonly activeAt: number }>(
    tool,
    outages.map((restore) => ({ restore })),
  );
  await peer.holds(
    `Group.RestoreForState restores pending alerts as resume() does after ${outages.length} outages`,
    () => {
      for (const [index, outage] of outages.entries())
        same(ourActiveAt(outage), answers[index]?.activeAt, JSON.stringify(outage));
    },
  );
  renewVectors(
    'prometheus-restore',
    outages.slice(0, 200).map((outage, index) => ({ ...outage, expected: answers[index]?.activeAt })),
  );
};

interface Move {
  readonly at: number;
  readonly from: string;
  readonly to: string;
}

/** Where the state after one evaluation is not the state after the one before. */
const transitionsOf = ({ readings }: RuleCase, states: readonly string[]): readonly Move[] =>
  states.flatMap((to, index) => {
    const from = states[index - 1] ?? 'inactive';
    return from === to ? [] : [{ at: readings[index]?.at ?? Number.NaN, from, to }];
  });

const ourTransitions = (recording: RuleCase): readonly Move[] => {
  const read = readReplay(recording);
  if ('refused' in read) throw new Error(`${read.where} ${read.refused}`);
  const { transitions } = replay(read.rule, read.recordings[0]?.readings ?? []);
  return transitions.map(({ at, from, to }) => ({ at, from, to }));
};

export const ourPrediction = ({ points, now, rangeSeconds, seconds }: PredictionCase): number | undefined => {
  const seen = points.map(({ at, value }) => ({ at: Math.round(at * 1000), value: asNumber(value) }));
  const at = Math.round(now * 1000);
  return predictLinear(inRange(seen, at, rangeSeconds), at, seconds);
};

const asNumber = (value: number | string): number =>
  typeof value === 'number' ? value : value === '+Inf' ? Infinity : value === '-Inf' ? -Infinity : Number(value);
