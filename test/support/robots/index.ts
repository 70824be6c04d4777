/**
 * Destinations of alerts to test against, for this project and for others: each a pure state machine with the vendor's limits, bans
 * and error bodies, and `startRobot` to put one behind a socket. They need nothing but Node.
 */
export { dingtalkRobot } from './dingtalk.ts';
export { feishuRobot } from './feishu.ts';
export { opsgenieRobot } from './opsgenie.ts';
export { pagerdutyRobot } from './pagerduty.ts';
export { answered, type Fault, type Received, type Robot, type RobotOptions, startRobot } from './robot.ts';
export { slackRobot } from './slack.ts';
export { teamsRobot } from './teams.ts';
export { webhookRobot } from './webhook.ts';
export { wecomRobot } from './wecom.ts';
