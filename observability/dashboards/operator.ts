import type { Dashboard } from '../lib/grafana.ts';
import { perSecond, sumOf } from '../lib/query.ts';

export const operator: Dashboard = {
  uid: 'runnel-operator',
  title: 'Operator',
  description: 'Models from objects, scaling and statuses. Empty where no operator runs.',
  rows: [
    {
      title: 'Models',
      panels: [
        {
          kind: 'timeseries',
          title: 'Ready',
          description: 'ChatModels that people should be able to pick, by whether they can. Which and why: kubectl get chatmodels -o wide.',
          unit: 'short',
          targets: [{ expr: 'max by (ready) (runnel_operator_models)', legend: '{{ready}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Writes',
          description:
            'What the operator changed. Overtaken: the object had gone, or somebody was faster; the next look sees it. Refused: it has no right to.',
          unit: 'ops',
          targets: [perSecond('runnel_operator_writes_total', 'what, outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Scaled',
          description: 'Times that the number of pods was changed. Up and down again within minutes: raise downAfterSeconds.',
          unit: 'ops',
          targets: [perSecond('runnel_operator_scaled_total', 'component')],
        },
      ],
    },
    {
      title: 'The operator itself',
      panels: [
        {
          kind: 'timeseries',
          title: 'Leads',
          description: 'One process leads. None: each waits for a Lease that it cannot get.',
          unit: 'short',
          targets: [sumOf('runnel_operator_leads', 'instance')],
        },
        {
          kind: 'timeseries',
          title: 'Looks',
          description: 'Looks at everything, by outcome. Failed ones are tried again within seconds; look.failed in the log says why.',
          unit: 'ops',
          targets: [perSecond('runnel_operator_looks_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'A look takes',
          description: 'With what it wrote. Most of it is waiting for the API server and for pods.',
          unit: 's',
          targets: [
            { expr: 'histogram_quantile(0.95, sum by (le) (rate(runnel_operator_look_seconds_bucket[$__rate_interval])))', legend: 'p95' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Lists and watches',
          description: 'Of the API server. Watches end every few minutes; expired ones are listed again; failed ones mean that it is away.',
          unit: 'ops',
          targets: [perSecond('runnel_operator_watches_total', 'kind, outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Pods asked',
          description: 'How they are. Failed: they cannot be reached, or do not know the token.',
          unit: 'ops',
          targets: [perSecond('runnel_operator_figures_total', 'outcome')],
        },
      ],
    },
  ],
};
