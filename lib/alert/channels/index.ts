import type { Channel } from '../channel.ts';
import { dingtalk } from './dingtalk.ts';
import { feishu } from './feishu.ts';
import { opsgenie } from './opsgenie.ts';
import { pagerduty } from './pagerduty.ts';
import { slack } from './slack.ts';
import { teams } from './teams.ts';
import { webhook } from './webhook.ts';
import { wecom } from './wecom.ts';

/** Keyed by configured name. */
export const channels = {
  wecom,
  dingtalk,
  feishu,
  slack,
  teams,
  pagerduty,
  opsgenie,
  webhook,
} as const satisfies Record<string, Channel>;
export type ChannelName = keyof typeof channels;
