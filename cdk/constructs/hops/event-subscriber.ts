import { type Hop, membersOf, textOf } from '../hop.ts';

/** EventBridge v2: the context travels in an event's Metadata. */
export const eventSubscriber: Hop = {
  rule: 'event-subscriber-drops-metadata',
  resourceTypes: ['AWS::EventsV2::Subscriber'],
  losses: ({ Transformer }) => {
    const { Type = 'RAW', JsonataConfiguration } = membersOf(Transformer);
    const fix = 'set the transformer to WITH_METADATA, as TracedEventBus.subscribe does';
    if (Type === 'RAW') {
      return [{ at: 'Transformer', loss: 'RAW, the default, delivers Data alone and drops Metadata', fix }];
    }
    const expression = textOf(membersOf(JsonataConfiguration)['Expression']) ?? '';
    return Type === 'JSONATA' && !/Metadata(?!\w)/.test(expression.replaceAll('SystemMetadata', ''))
      ? [{ at: 'Transformer/JsonataConfiguration/Expression', loss: 'the expression leaves Metadata out', fix }]
      : [];
  },
};
