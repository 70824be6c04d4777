import type { Severity } from '../model/alert.ts';

/** The words around an alert. */
export interface Words {
  readonly firing: string;
  readonly resolved: string;
  readonly severity: Readonly<Record<Severity, string>>;
  readonly alerts: (count: number) => string;
  readonly late: (minutes: number) => string;
  readonly someLate: (count: number, minutes: number) => string;
  readonly more: (count: number) => string;
  readonly ended: string;
  readonly trace: string;
  readonly runbook: string;
  readonly report: string;
  readonly dashboard: string;
  readonly source: string;
  readonly colon: string;
}

export const words: Readonly<Record<'en' | 'zh', Words>> = {
  en: {
    firing: 'FIRING',
    resolved: 'RESOLVED',
    severity: { critical: 'critical', warning: 'warning', info: 'info' },
    alerts: (count) => `${count} alerts`,
    late: (minutes) => `late (${minutes} min)`,
    someLate: (count, minutes) => `${count} late (up to ${minutes} min)`,
    more: (count) => `and ${count} more`,
    ended: 'ended',
    trace: 'trace',
    runbook: 'runbook',
    report: 'report',
    dashboard: 'dashboard',
    source: 'source',
    colon: ': ',
  },
  zh: {
    firing: '告警',
    resolved: '已恢复',
    severity: { critical: '严重', warning: '警告', info: '提示' },
    alerts: (count) => `${count} 条告警`,
    late: (minutes) => `迟到 ${minutes} 分钟`,
    someLate: (count, minutes) => `${count} 条迟到，最长 ${minutes} 分钟`,
    more: (count) => `另有 ${count} 项`,
    ended: '结束于',
    trace: '链路',
    runbook: '处理手册',
    report: '报告',
    dashboard: '仪表盘',
    source: '来源',
    colon: '：',
  },
};
