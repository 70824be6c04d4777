/** What a rule's target is sent: the event itself, a part of it, a constant, or a filled-in template. */
export interface TargetInput {
  readonly Input?: string;
  readonly InputPath?: string;
  readonly InputTransformer?: {
    readonly InputPathsMap?: Readonly<Record<string, string>>;
    readonly InputTemplate: string;
  };
}

/** The text that reaches the target. */
export const transform = (
  event: Readonly<Record<string, unknown>>,
  target: TargetInput,
  ruleArn: string,
  ruleName: string,
): string => {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) return JSON.stringify(at(event, target.InputPath) ?? null);
  if (target.InputTransformer === undefined) return JSON.stringify(event);
  const { InputPathsMap = {}, InputTemplate } = target.InputTransformer;
  const own: Record<string, unknown> = {
    'aws.events.rule-arn': ruleArn,
    'aws.events.rule-name': ruleName,
    'aws.events.event.ingestion-time': event['time'],
    'aws.events.event': Object.fromEntries(Object.entries(event).filter(([key]) => key !== 'detail')),
    'aws.events.event.json': event,
  };
  const variableValue = (name: string): unknown =>
    Object.hasOwn(InputPathsMap, name) ? at(event, InputPathsMap[name] ?? '') : own[name];
  let inString = false;
  let text = '';
  for (let index = 0; index < InputTemplate.length; index += 1) {
    const character = InputTemplate[index] ?? '';
    if (character === '\\' && inString) {
      text += character + (InputTemplate[++index] ?? '');
      continue;
    }
    if (character === '"') inString = !inString;
    const variable = character === '<' ? /^<([\w.-]+)>/.exec(InputTemplate.slice(index)) : null;
    if (variable === null) {
      text += character;
      continue;
    }
    index += variable[0].length - 1;
    const value = variableValue(variable[1] ?? '');
    // Inside quotes the bare text stands; outside, JSON. A path that is not there leaves nothing inside and null outside.
    if (inString)
      text +=
        typeof value === 'string'
          ? JSON.stringify(value).slice(1, -1)
          : value === undefined
            ? ''
            : JSON.stringify(value).replaceAll('"', '\\"');
    else text += JSON.stringify(value ?? null);
  }
  return text;
};

/** `$.detail.items[0].name`, the subset of JSONPath that EventBridge knows. */
const at = (event: unknown, path: string): unknown => {
  let value: unknown = event;
  for (const part of path.replace(/^\$\.?/, '').matchAll(/\['([^']+)'\]|\[(\d+)\]|([^.[\]]+)/g)) {
    const key = part[1] ?? part[2] ?? part[3] ?? '';
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
};
