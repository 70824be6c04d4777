import { type Hop, type Loss, membersOf, textOf } from '../hop.ts';

/** References that bring a context along, by how each source of a pipe carries it. */
const keeping =
  /<aws\.pipes\.event\.json>|<\$>|<\$\.(messageAttributes|headers|basicProperties|data|detail|dynamodb(\.NewImage)?)>|<\$\.[^>]*(traceparent|_trace|_datadog|AWSTraceHeader)[^>]*>/;

export const pipe: Hop = {
  rule: 'pipe-template-drops-context',
  resourceTypes: ['AWS::Pipes::Pipe'],
  losses: ({ TargetParameters, EnrichmentParameters }) =>
    Object.entries({ TargetParameters, EnrichmentParameters }).flatMap(([name, parameters]): readonly Loss[] => {
      const template = textOf(membersOf(parameters)['InputTemplate']);
      if (template === undefined || keeping.test(template)) return [];
      return [
        {
          at: `${name}/InputTemplate`,
          loss: 'the template names neither the context of the message nor the whole of it',
          fix: 'name the value: "_trace": { "traceparent": <$.messageAttributes.traceparent.stringValue> }, as TracedPipe does',
        },
      ];
    }),
};
