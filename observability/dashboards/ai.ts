import type { Dashboard } from '../lib/grafana.ts';
import { perSecond, quantile, spread, sumOf } from '../lib/query.ts';
import { processRow } from './process.ts';

export const ai: Dashboard = {
  uid: 'runnel-ai',
  title: 'AI',
  description: 'Runs, models and appends of the AI pods.',
  rows: [
    {
      title: 'Runs',
      panels: [
        {
          kind: 'timeseries',
          title: 'Runs being written',
          description: 'Per pod, and what all may write; what is above it waits in the queue (runbook RunsNearlyFull).',
          unit: 'short',
          stacked: true,
          targets: [sumOf('runnel_ai_runs', 'instance'), sumOf('runnel_ai_runs_limit', '', 'MAX_RUNS of all')],
        },
        {
          kind: 'timeseries',
          title: 'Claims by outcome',
          description: 'claimed is work taken; owned means two pods wanted the same run; unsuited, that this pod lacks the model.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_claims_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Ends by reason',
          description: 'released and fenced went on elsewhere. failed: runbook ModelFailing. lost: a bug of ours, see run.lost in the log.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_run_end_total', 'reason')],
        },
        {
          kind: 'timeseries',
          title: 'Run time, p95',
          description: 'From claim to end, by model.',
          unit: 's',
          targets: [quantile(0.95, 'gen_ai_client_operation_duration_seconds', 'gen_ai_request_model')],
        },
        {
          kind: 'timeseries',
          title: 'Runs that found no place',
          description:
            'What the last sweep of a pod saw and could not take; a full pod asks for one, half answers first. half: people look at a text that stands still: runbook HalfAnswersWait.',
          unit: 'short',
          targets: [{ expr: 'max by (kind) (runnel_ai_waiting_runs)', legend: '{{kind}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Runs that no model was asked for',
          description:
            'Ended failed: the question is unreadable, ten owners fell silent over it (tried), or no pod has had the model: runbook RunsUnanswerable.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_unanswerable_total', 'why')],
        },
        {
          kind: 'timeseries',
          title: 'Takeovers and restores',
          description: 'Runs gone on with after another owner, and runs written again after Redis lost them, by outcome.',
          unit: 'ops',
          targets: [
            perSecond('runnel_ai_takeovers_total', '', 'takeovers'),
            { ...perSecond('runnel_ai_restores_total', 'outcome'), legend: 'restore {{outcome}}' },
          ],
        },
      ],
    },
    {
      title: 'Models',
      panels: [
        {
          kind: 'timeseries',
          title: 'First text, p95',
          description: "The model's own time to its first text. Above 10 s: runbook ModelSlow.",
          unit: 's',
          limit: 10,
          targets: [quantile(0.95, 'gen_ai_client_operation_time_to_first_chunk_seconds', 'gen_ai_request_model')],
        },
        {
          kind: 'timeseries',
          title: 'Next text, p99',
          description: 'The longest that a model makes people wait between two texts.',
          unit: 's',
          targets: [quantile(0.99, 'gen_ai_client_operation_time_per_output_chunk_seconds', 'gen_ai_request_model')],
        },
        {
          kind: 'timeseries',
          title: 'How the models stopped',
          description:
            'length and filter are answers that were cut: raise maxOutputTokens, or look at what the filter refuses. stopped: by a person or a drain.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_finish_total', 'finish')],
        },
        {
          kind: 'timeseries',
          title: 'Answers cut at MAX_ANSWER_BYTES',
          description: 'A model that does not stop is stopped. People see the text with finish length; a steady flow is a model in a loop.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_cut_answers_total', 'instance')],
        },
        {
          kind: 'timeseries',
          title: 'Titles by TITLE_MODEL',
          description:
            'What became of conversations that wanted one; all but named keep their first words. resting: the model failed (title.failed in the log). limited: more than TITLES_PER_MINUTE.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_titles_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'What titles cost',
          description: 'Tokens of TITLE_MODEL, beside those of answers: nobody is charged for them.',
          unit: 'short',
          targets: [perSecond('runnel_ai_title_tokens_total', 'kind')],
        },
        {
          kind: 'timeseries',
          title: 'The file of the models',
          description: 'Texts of MODELS_FILE that pods have found, by what became of them. refused, unreadable: the models before it stay.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_models_file_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Models kept although their file is wrong',
          description: '1: MODELS_FILE of this pod is wrong or away; /readyz and the log (models.refused) say where.',
          unit: 'short',
          targets: [{ expr: 'max by (instance) (runnel_ai_models_file_wrong)', legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Calls of tools',
          description: 'By server and outcome: done, or why not. What a call may take and say is bounded in TOOLS.',
          unit: 'ops',
          targets: [
            { expr: 'sum by (server, outcome) (rate(runnel_ai_tool_calls_total[$__rate_interval]))', legend: '{{server}} {{outcome}}' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'How long tools take (p99)',
          description: 'With the connection to their server. A call that takes longer than timeoutMs is given up.',
          unit: 's',
          targets: [quantile(0.99, 'runnel_ai_tool_call_seconds', 'server')],
        },
        {
          kind: 'timeseries',
          title: 'Answers that began to wait for a person, and calls that were approved',
          description:
            'has: the database had them first. late, away: after two seconds without, they are as lasting as Redis until it has caught up.',
          unit: 'ops',
          targets: [
            { expr: 'sum by (database) (rate(runnel_ai_parks_total[$__rate_interval]))', legend: 'waits, {{database}}' },
            { expr: 'sum by (database) (rate(runnel_ai_calls_told_total[$__rate_interval]))', legend: 'calls, {{database}}' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Tools that servers offer',
          description: '0: the server does not list its tools (alert ToolServerAway); models do without.',
          unit: 'short',
          targets: [{ expr: 'min by (server) (runnel_ai_tools)', legend: '{{server}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Lists of tools, and servers at rest',
          description: 'Lists that did not come; and 1 while calls to a server are refused at once, after five failures in a row.',
          unit: 'short',
          targets: [
            {
              expr: 'sum by (server) (rate(runnel_ai_tool_lists_total{outcome="failed"}[$__rate_interval]))',
              legend: '{{server}} lists failed',
            },
            { expr: 'max by (server) (runnel_ai_tool_breaker)', legend: '{{server}} at rest' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Answers given by another model',
          description: 'By the model that could not begin and the one of its fallback list that answered instead.',
          unit: 'ops',
          targets: [{ expr: 'sum by (model, to) (rate(runnel_ai_fallbacks_total[$__rate_interval]))', legend: '{{model}} → {{to}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Requests by endpoint',
          description:
            'Of models that several places serve. failed: another was asked, or the answer broke; ejected: it failed too often and rests.',
          unit: 'ops',
          targets: [
            {
              expr: 'sum by (model, endpoint, outcome) (rate(runnel_ai_endpoint_requests_total[$__rate_interval]))',
              legend: '{{model}} {{endpoint}} {{outcome}}',
            },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Failures by model',
          description: 'Answers that ended with an error of the provider.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_run_end_total{reason="failed"}', 'model')],
        },
      ],
    },
    {
      title: 'Appends',
      panels: [
        {
          kind: 'timeseries',
          title: 'Appends by outcome',
          description:
            'appended is the rule; duplicate, a repeated one; gap and gone, a store that forgot; fenced, a run that is no longer ours.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_appends_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Wait and append',
          description: 'Time a piece waits for the append before it, and time of the append.',
          unit: 's',
          limit: 0.05,
          targets: [...spread('runnel_ai_append_wait_seconds', 'wait'), ...spread('runnel_ai_append_seconds', 'append')],
        },
        {
          kind: 'timeseries',
          title: 'Bytes of an append',
          description: 'Grows when appends are slow: what the model says meanwhile is joined (L-4).',
          unit: 'bytes',
          targets: spread('runnel_ai_append_bytes'),
        },
        {
          kind: 'timeseries',
          title: 'Fenced writes',
          description:
            'Writes the store refused because the run belongs to another (P-3). Some after a pause or a partition; a steady flow is a bug.',
          unit: 'ops',
          targets: [perSecond('runnel_ai_fenced_total', 'instance')],
        },
      ],
    },
    processRow('ai'),
  ],
};
