import type { Channel } from '../channel.ts';
import { webhook } from './webhook.ts';
import { wecom } from './wecom.ts';

/** Keyed by configured name. */
export const channels = { wecom, webhook } as const satisfies Record<string, Channel>;
export type ChannelName = keyof typeof channels;
