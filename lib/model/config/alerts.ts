import type { Alert } from '../alert.ts';
import type { TemplateContext } from '../template.ts';
import type { GroupingConfig, InhibitConfig, RouteConfig, TimeIntervalConfig } from './routing.ts';

/** The `alerts` section of tidemark.config.ts. Its own grouping options are those of the root route, which every alert reaches. */
export interface AlertsConfig extends GroupingConfig {
  /** Where alerts can go, by name. */
  readonly receivers: Readonly<Record<string, ReceiverConfig>>;
  /** The receivers of every alert that no route claims. */
  readonly default: readonly string[];
  /** Asked in order, their own routes first, as Alertmanager does; the first that matches decides unless it says `continue`. */
  readonly routes?: readonly RouteConfig[];
  /** Alerts that silence others while they fire. */
  readonly inhibit?: readonly InhibitConfig[];
  /** Times of the week or year, by name, for `muteTimes` and `activeTimes` of routes. */
  readonly times?: Readonly<Record<string, readonly TimeIntervalConfig[]>>;
  /** Address of a trace's page in your tracing tool, with `{traceId}` in it. */
  readonly traceUrl?: string;
  /** Address of a window's report as people reach it, with `{report}` (its key in the bucket) in it. */
  readonly reportUrl?: string;
  /** Destinations besides public addresses on port 443, such as `alerts.internal:8443`, `10.0.3.0/24` or `10.0.3.7:9093`. @default none */
  readonly allowTargets?: readonly string[];
  /** Where alerts come from besides the bus, and who may post them. */
  readonly inbound?: InboundConfig;
}

/** The channels by their names: those of lib/alert/channels, which this room may not import. A test holds the two together. */
export const channelNames = [
  'wecom',
  'dingtalk',
  'feishu',
  'slack',
  'teams',
  'pagerduty',
  'opsgenie',
  'webhook',
] as const;
export type ChannelName = (typeof channelNames)[number];

export interface ReceiverConfig {
  /** The tool at the other end. */
  readonly channel: ChannelName;
  /** `secretsmanager:name` or `ssm:name`: where a URL is the secret, as a robot's is, it is never written here. PagerDuty and Opsgenie need none. */
  readonly url?: string;
  /** Signing secret, routing key or API key, as a reference; several while one replaces the other, newest first. */
  readonly secret?: string | readonly string[];
  /** People that a critical alert mentions, by the ids or mobile numbers that the channel knows; `@all` is everyone. */
  readonly mention?: readonly string[];
  /** The receiver to turn to when this one refuses for good. */
  readonly fallback?: string;
  /** Whether the end of an alert is told, too. @default true */
  readonly sendResolved?: boolean;
  /** Language of the words around an alert. @default en */
  readonly language?: 'en' | 'zh';
  /**
   * What is said of each alert, in place of the words that come with tidemark, in the channel's own markup: text with `{{…}}` in
   * it, or a function that is compiled into the bundle. See docs/guides/channels.md.
   */
  readonly template?: string | ((alert: Alert, context: TemplateContext) => string);
  /** Sends a picture of the heat strip besides, where the channel can; it costs one message of the rate. @default false */
  readonly picture?: boolean;
  /** Body of a webhook: our own, or the one that Alertmanager posts. @default tidemark */
  readonly format?: 'tidemark' | 'alertmanager';
  /** More headers of a webhook. Values may be references. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Secrets are references; of several, one replaces the other while it is rotated. */
export interface InboundConfig {
  /**
   * The token of `Authorization: Bearer …` with which alerts are posted to the function's URL. Without this and `hmac` the URL asks
   * for a signature of AWS IAM.
   */
  readonly bearer?: string | readonly string[];
  /** The secret of an HMAC-SHA256 over the body. Grafana's signature header, GitHub's and Standard Webhooks are understood. */
  readonly hmac?: string | readonly string[];
  /** ARNs of standard SNS topics that alarms or Amazon Managed Service for Prometheus publish to: the alerts queue subscribes to them. @default none */
  readonly topics?: readonly string[];
  /**
   * Whether state changes of this account's CloudWatch alarms are taken from its default bus: all but those that target tracking
   * makes for itself, none, or those whose names begin so. @default true
   */
  readonly cloudwatchAlarms?: boolean | readonly string[];
  /**
   * Seconds after which an alert that was posted as to Alertmanager's API, without an `endsAt`, is over unless it is posted again;
   * Alertmanager's `resolve_timeout`. @default 300
   */
  readonly resolveTimeoutSeconds?: number;
}
