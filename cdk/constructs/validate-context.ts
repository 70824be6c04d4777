import { CfnResource, type IPolicyValidationPlugin, type PolicyViolation, Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { type Loss, membersOf } from './hop.ts';
import { hops } from './hops/index.ts';

/** A place in an app where the trace of a message ends. */
export interface LostContext extends Loss {
  readonly rule: string;
  readonly constructPath: string;
}

/**
 * Names at synth every hop of an app, of its own stacks and of others', where trace context would be lost, and stops synthesis.
 * A hop that is meant so is acknowledged: `Validations.of(construct).acknowledge({ id: 'tidemark::<rule>', reason })`.
 */
export const validateContext = (app: IConstruct): void => {
  const plugin: IPolicyValidationPlugin = {
    name: 'tidemark',
    ruleIds: hops.map(({ rule }) => rule),
    validate: ({ appConstruct }) => {
      const violations = lostContexts(appConstruct).map(violationOf);
      return { success: violations.length === 0, violations };
    },
  };
  Validations.of(app).addPlugins(plugin);
};

/** The same as data, acknowledged ones included. */
export const lostContexts = (scope: IConstruct): readonly LostContext[] =>
  scope.node
    .findAll()
    .filter((node) => CfnResource.isCfnResource(node))
    .flatMap((node) => {
      const mine = hops.filter(({ resourceTypes }) => resourceTypes.includes(node.cfnResourceType));
      if (mine.length === 0) return [];
      const properties = propertiesOf(node);
      return mine.flatMap(({ rule, losses }) =>
        losses(properties).map((loss) => ({ rule, constructPath: node.node.path, ...loss })),
      );
    });

/** What the template will say: the one form in which a user's L2, L1 and included resources are alike. */
const propertiesOf = (resource: CfnResource) => {
  const template = Stack.of(resource).resolve(resource._toCloudFormation()) as unknown;
  const [made] = Object.values(membersOf(membersOf(template)['Resources']));
  return membersOf(membersOf(made)['Properties']);
};

const violationOf = ({ rule, constructPath, at, loss, fix }: LostContext): PolicyViolation => ({
  ruleName: rule,
  severity: 'error',
  description: `Trace context is lost at ${constructPath}: ${loss}.`,
  fix,
  violatingResources: [{ constructPath, locations: [`Properties/${at}`] }],
});
