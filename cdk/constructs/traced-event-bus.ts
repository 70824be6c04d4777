import { CfnEventBus, CfnSubscriber, type CfnSubscriberProps } from 'aws-cdk-lib/aws-eventsv2';
import { Construct } from 'constructs';

/** An EventBridge v2 bus whose subscribers get the metadata of events, the context among it, which the default drops. */
export class TracedEventBus extends Construct {
  readonly bus: CfnEventBus;

  constructor(scope: Construct, id: string, props: { readonly name: string; readonly description?: string }) {
    super(scope, id);
    this.bus = new CfnEventBus(this, 'Bus', props);
  }

  /** The subscriber sees `{ Data, Metadata, SystemMetadata }`. */
  subscribe(id: string, props: Omit<CfnSubscriberProps, 'eventBusArn' | 'transformer'>): CfnSubscriber {
    return new CfnSubscriber(this, id, {
      ...props,
      eventBusArn: this.bus.attrEventBusArn,
      transformer: { type: 'WITH_METADATA' },
    });
  }
}
