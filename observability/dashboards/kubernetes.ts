import type { Dashboard } from '../lib/grafana.ts';
import { maxOf, perSecond, sumOf } from '../lib/query.ts';

const byService = { legend: '{{service}} {{instance}}' };

export const kubernetes: Dashboard = {
  uid: 'runnel-kubernetes',
  title: 'Kubernetes and deploys',
  description: 'What a rollout does to the people on it. Panels of kube-state-metrics stay empty outside Kubernetes.',
  rows: [
    {
      title: 'Rollout',
      panels: [
        {
          kind: 'timeseries',
          title: 'Taking part',
          description:
            'Processes that say they are ready; a process that drains is not. Fewer than the replicas for long: a rollout hangs.',
          unit: 'short',
          targets: [sumOf('runnel_ready', 'service')],
        },
        {
          kind: 'timeseries',
          title: 'Draining',
          description:
            'Processes that send their people or their runs elsewhere. One at a time in a rollout; longer than its window: see drain.late in the log.',
          unit: 'short',
          targets: [{ expr: 'sum by (service) (runnel_drain_state{state="draining"})', legend: '{{service}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Started',
          description: 'When each process started. Many new ones without a deploy: they crash.',
          unit: 'dateTimeFromNow',
          targets: [{ expr: 'max by (service, instance) (runnel_process_start_time_seconds) * 1000', ...byService }],
        },
        {
          kind: 'timeseries',
          title: 'Versions',
          description: 'Processes by the release and commit they run. Two at a time: a rollout or a canary is under way.',
          unit: 'short',
          stacked: true,
          targets: [{ expr: 'count by (service, version, commit) (runnel_build_info)', legend: '{{service}} {{version}} {{commit}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Clocks',
          description: "How far each machine's clock is ahead of Redis's. Above 50 ms: runbook ClockSkew.",
          unit: 's',
          targets: [{ ...maxOf('runnel_clock_offset_seconds', 'service, instance'), legend: '{{service}} {{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Traces',
          description: 'Batches of spans by whether the collector took them (runbook TracesLost). Empty while nothing is traced.',
          unit: 'ops',
          targets: [perSecond('runnel_trace_batches_total', 'service, outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Autoscalers',
          description: 'Pods that each autoscaler runs, and at most may (kube-state-metrics; runbook ScalerStuck).',
          unit: 'short',
          targets: [
            {
              expr: 'max by (horizontalpodautoscaler) (kube_horizontalpodautoscaler_status_current_replicas{horizontalpodautoscaler=~".*runnel.*"})',
              legend: 'now {{horizontalpodautoscaler}}',
            },
            {
              expr: 'max by (horizontalpodautoscaler) (kube_horizontalpodautoscaler_spec_max_replicas{horizontalpodautoscaler=~".*runnel.*"})',
              legend: 'most {{horizontalpodautoscaler}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Replicas',
          description: 'Wanted and available, by deployment (kube-state-metrics).',
          unit: 'short',
          targets: [
            { expr: 'sum by (deployment) (kube_deployment_spec_replicas{deployment=~".*runnel.*"})', legend: 'wanted {{deployment}}' },
            {
              expr: 'sum by (deployment) (kube_deployment_status_replicas_available{deployment=~".*runnel.*"})',
              legend: 'available {{deployment}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Restarts',
          description: 'Containers restarted by the kubelet (kube-state-metrics): killed for memory, or failing their liveness probe.',
          unit: 'short',
          targets: [
            {
              expr: 'sum by (pod) (increase(kube_pod_container_status_restarts_total{pod=~".*runnel.*"}[$__rate_interval]))',
              legend: '{{pod}}',
            },
          ],
        },
      ],
    },
    {
      title: 'What people feel of it',
      panels: [
        {
          kind: 'timeseries',
          title: 'Sockets per gateway',
          description: 'A drain empties one gateway over its window, the others take its people.',
          unit: 'short',
          stacked: true,
          targets: [sumOf('runnel_gateway_sockets', 'instance')],
        },
        {
          kind: 'timeseries',
          title: 'Runs per AI pod',
          description: 'A drain hands its runs over at once.',
          unit: 'short',
          stacked: true,
          targets: [sumOf('runnel_ai_runs', 'instance')],
        },
        {
          kind: 'timeseries',
          title: 'Released and taken over',
          description: 'During a drain as many are taken over as are released. Taken over without released: pods die.',
          unit: 'ops',
          targets: [
            perSecond('runnel_ai_run_end_total{reason="released"}', '', 'released'),
            perSecond('runnel_ai_takeovers_total', '', 'taken over'),
          ],
        },
        {
          kind: 'timeseries',
          title: 'Resumes',
          description: 'People that came back: a deploy costs each of them one tail.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_resumes_total{kind!="fresh"}', 'kind')],
        },
      ],
    },
  ],
};
