import { shownText } from '../../model/text.ts';
import { type Fields, isFields, text } from './fields.ts';

/** What Grafana says of an alert besides what Alertmanager does: where to look at it and silence it, and the values that it saw. */
const links = ['dashboardURL', 'panelURL', 'silenceURL', 'imageURL', 'valueString'];

/** Grafana's own fields of an alert as annotations; none for other senders. */
export const grafanaAnnotations = (alert: Fields): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const name of links) {
    const value = text(alert[name]) ?? '';
    if (value !== '') found[name] = value;
  }
  const { values } = alert;
  if (isFields(values) && Object.keys(values).length > 0)
    found['values'] = Object.entries(values)
      .map(([name, value]) => `${name}=${shownText(value)}`)
      .join(' ');
  return found;
};
