/** A kind of hop between services, judged by what its CloudFormation resource says. */
export interface Hop {
  /** Names the finding: it is acknowledged as `tidemark::<rule>`. */
  readonly rule: string;
  /** `AWS::SNS::Subscription` */
  readonly resourceTypes: readonly string[];
  /** Where the context of a message would not survive this hop; total over whatever the properties are. */
  readonly losses: (properties: Properties) => readonly Loss[];
}

/** CloudFormation properties, resolved; tokens stand as `{ Ref }`, `{ Fn::GetAtt }` and the like. */
export type Properties = Readonly<Record<string, unknown>>;

export interface Loss {
  /** `Targets/0/InputPath` */
  readonly at: string;
  /** What happens to the context there. */
  readonly loss: string;
  /** What to do about it. */
  readonly fix: string;
}

export const membersOf = (value: unknown): Properties =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Properties) : {};

export const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** A text with its tokens left out: what is written in a template around them is what matters here. */
export const textOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value;
  const [separator, parts] = listOf(membersOf(value)['Fn::Join']);
  if (Array.isArray(parts)) return parts.map((part) => textOf(part) ?? '').join(String(separator));
  const sub = membersOf(value)['Fn::Sub'];
  const template = Array.isArray(sub) ? sub[0] : sub;
  return typeof template === 'string' ? template : undefined;
};
