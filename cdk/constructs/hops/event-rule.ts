import { type Hop, type Loss, listOf, membersOf, type Properties, textOf } from '../hop.ts';

/** Parts of an event that still hold `detail._trace`, or one of the places where producers of others put a context. */
const keeping =
  /^\$(\.detail(\._trace(\.traceparent)?|\.traceparent|\.(metadata|headers)(\.traceparent)?|\._datadog)?)?$/;

export const eventRule: Hop = {
  rule: 'event-rule-drops-detail',
  resourceTypes: ['AWS::Events::Rule'],
  // A rule on a schedule has no event, so there is no context to lose.
  losses: ({ EventPattern, Targets }) =>
    EventPattern === undefined ? [] : listOf(Targets).flatMap((target, index) => inTarget(membersOf(target), index)),
};

const inTarget = ({ Input, InputPath, InputTransformer }: Properties, index: number): readonly Loss[] => {
  const fix = 'carry it along: TracedRule, tracedInput({ … }), or a template with "_trace": <x> and x: $.detail._trace';
  if (Input !== undefined) {
    return [{ at: `Targets/${index}/Input`, loss: 'a constant replaces the event, and detail._trace with it', fix }];
  }
  if (typeof InputPath === 'string' && !keeping.test(InputPath)) {
    return [{ at: `Targets/${index}/InputPath`, loss: `only ${InputPath} is delivered, detail._trace is not`, fix }];
  }
  const { InputPathsMap, InputTemplate } = membersOf(InputTransformer);
  const template = textOf(InputTemplate);
  if (template === undefined || template.includes('<aws.events.event.json>')) return [];
  const kept = Object.entries(membersOf(InputPathsMap)).some(
    ([name, path]) => keeping.test(String(path)) && template.includes(`<${name}>`),
  );
  return kept
    ? []
    : [
        {
          at: `Targets/${index}/InputTransformer`,
          loss: 'the template leaves detail._trace out, so the target sees no context',
          fix,
        },
      ];
};
