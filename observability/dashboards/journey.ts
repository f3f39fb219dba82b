import type { Dashboard } from '../lib/grafana.ts';
import { perSecond, quantile, ratio, spread, sumOf } from '../lib/query.ts';

export const journey: Dashboard = {
  uid: 'runnel-journey',
  title: 'Journey',
  description: "Are people's answers flowing? Top row: yes or no. Below: which hop is late, and what was repaired.",
  rows: [
    {
      title: 'Are answers flowing?',
      panels: [
        {
          kind: 'stat',
          title: 'Answers that end whole',
          description: 'Complete or cancelled on purpose, of all that ended (P-1). Below 99.9 %: runbook AnswersIncomplete.',
          unit: 'percentunit',
          targets: [
            ratio(
              'runnel_ai_run_end_total{reason=~"complete|cancelled"}',
              'runnel_ai_run_end_total{reason!~"released|fenced|parked|rerouted"}',
              'whole',
            ),
          ],
        },
        {
          kind: 'stat',
          title: 'Answers being written',
          description: 'Runs that AI pods write now. Zero while people prompt: runbook RunsQueued.',
          unit: 'short',
          targets: [sumOf('runnel_ai_runs')],
        },
        {
          kind: 'stat',
          title: 'People connected',
          description: 'Open WebSockets and SSE responses of all gateways.',
          unit: 'short',
          targets: [sumOf('runnel_gateway_sockets', '', 'WebSocket'), sumOf('runnel_gateway_event_streams', '', 'SSE')],
        },
        {
          kind: 'stat',
          title: 'First word added, p99',
          description: 'What Runnel adds to the first word (P-7, below 120 ms). Above: runbook FirstWordLate.',
          unit: 's',
          limit: 0.12,
          targets: [quantile(0.99, 'runnel_gateway_ttfb_added_seconds')],
        },
        {
          kind: 'stat',
          title: 'Chunk added, p99',
          description: 'What Runnel adds to each chunk (P-7, below 50 ms). Above: runbook ChunksLate.',
          unit: 's',
          limit: 0.05,
          targets: [quantile(0.99, 'runnel_gateway_chunk_added_seconds')],
        },
        {
          kind: 'stat',
          title: 'Cancel, p99',
          description: 'From the wish to the stop (P-5, below 250 ms). Above: runbook CancelSlow.',
          unit: 's',
          limit: 0.25,
          targets: [quantile(0.99, 'runnel_gateway_cancel_seconds')],
        },
      ],
    },
    {
      title: 'Error budgets',
      panels: [
        {
          kind: 'timeseries',
          title: 'Bad events, last hour',
          description:
            'The part of events that missed each objective. Alerts compare it with 14.4, 6, 3 and 1 times the budget (slo.yaml).',
          unit: 'percentunit',
          width: 12,
          targets: [{ expr: 'max by (slo) (slo:error_ratio:rate1h)', legend: '{{slo}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Prompts by outcome',
          description:
            'What people ask for and what they get. busy and rate-limited are rules at work; unavailable and overloaded are ours.',
          unit: 'reqps',
          width: 12,
          targets: [perSecond('runnel_gateway_commands_total{command=~"prompt|regenerate"}', 'outcome')],
        },
      ],
    },
    {
      title: 'One chunk, hop by hop',
      panels: [
        {
          kind: 'timeseries',
          title: '1 Model: next text',
          description: "How long the model takes for its next text. Slow here is the provider's: runbook ModelSlow.",
          unit: 's',
          targets: [quantile(0.95, 'gen_ai_client_operation_time_per_output_chunk_seconds', 'gen_ai_request_model')],
        },
        {
          kind: 'timeseries',
          title: '2 AI pod: wait and append',
          description: 'A piece waits for the append before it, then is appended. Both rise when Redis is slow: runbook StoreSlow.',
          unit: 's',
          limit: 0.05,
          targets: [...spread('runnel_ai_append_wait_seconds', 'wait'), ...spread('runnel_ai_append_seconds', 'append')],
        },
        {
          kind: 'timeseries',
          title: '3 Whole way to the socket',
          description: 'From the model to the socket. High while step 2 is low: gateways are busy, see their event loop.',
          unit: 's',
          limit: 0.05,
          targets: spread('runnel_gateway_chunk_added_seconds', 'added'),
        },
      ],
    },
    {
      title: 'What was repaired',
      panels: [
        {
          kind: 'timeseries',
          title: 'Resumes by kind',
          description:
            'tail: only what was missed; snapshot: all the text; fresh: first look. A hill of tails and snapshots is a reconnect storm.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_resumes_total', 'kind')],
        },
        {
          kind: 'timeseries',
          title: 'Resume time, p99',
          description: 'From a follow to its first event (P-6, below 50 ms).',
          unit: 's',
          limit: 0.05,
          targets: [quantile(0.99, 'runnel_gateway_resume_seconds', 'kind')],
        },
        {
          kind: 'timeseries',
          title: 'Takeovers, restores, fenced writes',
          description: 'Answers that moved to another AI pod, were written again after Redis lost them, and late writes that were refused.',
          unit: 'ops',
          targets: [
            perSecond('runnel_ai_takeovers_total', '', 'takeovers'),
            perSecond('runnel_ai_restores_total', '', 'restores'),
            perSecond('runnel_ai_fenced_total', '', 'fenced'),
          ],
        },
        {
          kind: 'timeseries',
          title: 'Screens that doubted',
          description:
            'Clients that asked again for what they follow live. gap: an event was missing (W-8); mismatch: a text was not what its hash says (W-10). Gateways close holes themselves, so any is worth a look: one gateway or all, since which release, the logs of that minute.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_refollows_total', 'reason, instance')],
        },
      ],
    },
  ],
};
