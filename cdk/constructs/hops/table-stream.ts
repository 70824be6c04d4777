import { type Hop, membersOf } from '../hop.ts';

export const tableStream: Hop = {
  rule: 'table-stream-without-new-image',
  resourceTypes: ['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'],
  losses: ({ StreamSpecification }) => {
    const { StreamViewType } = membersOf(StreamSpecification);
    return StreamViewType === 'KEYS_ONLY' || StreamViewType === 'OLD_IMAGE'
      ? [
          {
            at: 'StreamSpecification/StreamViewType',
            loss: `${StreamViewType} leaves out the attributes just written, and a context among them`,
            fix: 'stream NEW_IMAGE or NEW_AND_OLD_IMAGES',
          },
        ]
      : [];
  },
};
