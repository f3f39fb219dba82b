import type { Row } from '../lib/grafana.ts';
import { perSecond, quantile } from '../lib/query.ts';

/** What is asked of a gateway besides sockets. */
export const httpRow: Row = {
  title: 'HTTP',
  panels: [
    {
      kind: 'timeseries',
      title: 'HTTP by code',
      description: 'Requests that ended, by status; 499 left before the answer. More than 5 % of 5xx: runbook HttpFailing.',
      unit: 'reqps',
      targets: [perSecond('runnel_http_requests_total{service="gateway"}', 'code')],
    },
    {
      kind: 'timeseries',
      title: 'HTTP by route',
      description: 'Which routes are asked for; streams count when they end.',
      unit: 'reqps',
      targets: [perSecond('runnel_http_requests_total{service="gateway"}', 'method, route')],
    },
    {
      kind: 'timeseries',
      title: 'HTTP time, p99',
      description: 'From the head of a request to the end of its answer, by route; streams left out.',
      unit: 's',
      targets: [quantile(0.99, 'runnel_http_request_seconds', 'route')],
    },
  ],
};
