/** How the alerts of a route are put together. What a route leaves out it takes from the one above it. */
export interface GroupingConfig {
  /** Alerts that have the same values of these labels share a notification; `...` stands for all labels. @default [] (all of a route) */
  readonly groupBy?: readonly string[];
  /** How long the first alert of a group waits for company. @default 30 */
  readonly groupWaitSeconds?: number;
  /** How long news of a group wait after its last notification. @default 300 */
  readonly groupIntervalSeconds?: number;
  /** When what still fires is told again. @default 14400 (4 h) */
  readonly repeatIntervalSeconds?: number;
  /** The longest that a new critical alert waits, in place of both; `grouped`: like any other, as in Alertmanager. @default 5 */
  readonly criticalWaitSeconds?: number | 'grouped';
}

export interface RouteConfig extends GroupingConfig {
  /** Labels and the values that they must have. */
  readonly match?: Readonly<Record<string, string>>;
  /** Matchers in Alertmanager's notation: `team="web"`, `team!=""`, `service=~"api|web"`, `service!~"test-.*"` (anchored). */
  readonly matchers?: readonly string[];
  /** An empty list: nobody is told. @default those of the route above */
  readonly receivers?: readonly string[];
  readonly routes?: readonly RouteConfig[];
  /** The routes beside this one are asked although this one matched. @default false */
  readonly continue?: boolean;
  /** Names in `times` during which nothing of this route is told. */
  readonly muteTimes?: readonly string[];
  /** Names in `times` outside of which nothing of this route is told. */
  readonly activeTimes?: readonly string[];
}

/** While an alert that matches `source` fires, those that match `target` and agree on the `equal` labels are not told. */
export interface InhibitConfig {
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** Labels on which both agree; one that both lack is agreed on. @default [] */
  readonly equal?: readonly string[];
}

/** Alertmanager's time intervals: every given field must contain the moment, each by one of its ranges. */
export interface TimeIntervalConfig {
  /** `HH:MM`, the end not included; `24:00` is the end of the day. */
  readonly times?: readonly { readonly start: string; readonly end: string }[];
  /** `monday`, `monday:friday`. */
  readonly weekdays?: readonly string[];
  /** `1`, `1:5`, `-3:-1` (from the end of the month). */
  readonly daysOfMonth?: readonly string[];
  /** `january`, `1:3`, `may:august`. */
  readonly months?: readonly string[];
  /** `2026`, `2026:2028`. */
  readonly years?: readonly string[];
  /** A name of the time zone database. @default 'UTC' */
  readonly location?: string;
}
