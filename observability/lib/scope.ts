/**
 * Labels that tell installations apart. Prometheus puts them on, our processes do not know them; where one is missing everything is as if
 * it were not there.
 */
export const SCOPE = ['cluster', 'namespace', 'release'] as const;
const LABELS = SCOPE.join(', ');

/** The same question for each installation by itself: every aggregation and every match keeps the labels of the scope. */
export const perInstallation = (expr: string): string =>
  expr
    .replaceAll(
      /\b(by|on)\s*\(([^)]*)\)/g,
      (_, word: string, list: string) => `${word} (${LABELS}${list.trim() === '' ? '' : `, ${list}`})`,
    )
    .replaceAll(/\b(sum|max|min|avg|count)\s*\(/g, (_, word: string) => `${word} by (${LABELS}) (`);

const OURS = '(?:runnel_|gen_ai_client_|slo:)[\\w:]*';
const SELECTED = new RegExp(`\\b(${OURS}|up)\\{`, 'g');
const BARE = new RegExp(`\\b(${OURS})(?![\\w:{])`, 'g');

/** The same question of the installations that a selector names; `matchers`: `namespace="chat"`. The chart does the same (prometheusrule.yaml). */
export const within = (expr: string, matchers: string): string =>
  expr
    .replaceAll(BARE, (metric) => `${metric}{${matchers}}`)
    .replaceAll(SELECTED, (all, metric: string, at: number, text: string) =>
      text.startsWith(`{${matchers}}`, at + metric.length) ? all : `${metric}{${matchers}, `,
    );
