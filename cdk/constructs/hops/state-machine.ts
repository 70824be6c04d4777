import { type Hop, type Loss, listOf, membersOf, type Properties, textOf } from '../hop.ts';

/** Sends of a state machine that pass the context of its input on only when they say so. */
export const stateMachine: Hop = {
  rule: 'state-machine-sends-without-context',
  resourceTypes: ['AWS::StepFunctions::StateMachine'],
  losses: ({ DefinitionString, Definition }) => inStates(Definition ?? parsed(textOf(DefinitionString))),
};

const sends: Readonly<Record<string, (parameters: Properties) => boolean>> = {
  'sqs:sendMessage': ({ MessageAttributes }) => namesContext(MessageAttributes),
  'sns:publish': ({ MessageAttributes }) => namesContext(MessageAttributes),
  'events:putEvents': (parameters) =>
    listOf(parameters['Entries']).every((entry) => {
      const { Detail, 'Detail.$': path } = membersOf(entry);
      return path !== undefined || typeof Detail === 'string' || namesContext(Detail);
    }),
};

const inStates = (definition: unknown, path = 'Definition'): readonly Loss[] =>
  Object.entries(membersOf(membersOf(definition)['States'])).flatMap(([name, state]) => {
    const { Resource, Parameters, Arguments, Branches, Iterator: iterator, ItemProcessor } = membersOf(state);
    const at = `${path}/States/${name}`;
    // Tokens (the partition) are left out of the text, so the end of the ARN is what tells.
    const send = Object.entries(sends).find(([action]) => (textOf(Resource) ?? '').includes(`states:::${action}`));
    const own: readonly Loss[] =
      send === undefined || send[1](membersOf(Parameters ?? Arguments))
        ? []
        : [
            {
              at,
              loss: `${send[0]} sends without the context of the execution's input`,
              fix:
                send[0] === 'events:putEvents'
                  ? 'put "_trace.$": "$._trace" into Detail'
                  : 'add MessageAttributes.traceparent: { "DataType": "String", "StringValue.$": "$._trace.traceparent" }',
            },
          ];
    const inner = [...listOf(Branches), iterator, ItemProcessor].flatMap((part) => inStates(part, at));
    return [...own, ...inner];
  });

const namesContext = (value: unknown): boolean => /traceparent|_trace|"\$"/.test(JSON.stringify(value) ?? '');

const parsed = (text: string | undefined): unknown => {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
};
