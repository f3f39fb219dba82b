import type { Dashboard } from '../lib/grafana.ts';
import { perSecond, quantile, spread, sumOf } from '../lib/query.ts';
import { httpRow } from './http.ts';
import { processRow } from './process.ts';

export const gateway: Dashboard = {
  uid: 'runnel-gateway',
  title: 'Gateway',
  description: 'Sockets, follows, commands and outboxes of the gateways.',
  rows: [
    {
      title: 'Readers',
      panels: [
        {
          kind: 'timeseries',
          title: 'Open connections',
          description: 'WebSockets and SSE responses per gateway. Uneven after a deploy: they even out as people come back.',
          unit: 'short',
          targets: [
            { ...sumOf('runnel_gateway_sockets', 'instance'), legend: 'ws {{instance}}' },
            { ...sumOf('runnel_gateway_event_streams', 'instance'), legend: 'sse {{instance}}' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Full',
          description: 'WebSockets as a part of MAX_SOCKETS, by gateway. Above 85 % of all: runbook SocketsNearlyFull.',
          unit: 'percentunit',
          limit: 0.85,
          targets: [{ expr: 'max by (instance) (runnel_gateway_sockets / runnel_gateway_sockets_limit)', legend: '{{instance}}' }],
        },
        {
          kind: 'timeseries',
          title: 'Handshakes',
          description:
            'WebSockets that were asked for, by what became of them. full, overloaded, unavailable, internal: runbook HandshakesFailing.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_handshakes_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Callers',
          description:
            'Whether it is known who they are. unauthorized: runbook DoorRefuses; unavailable: runbook KeysUnreachable. nobody has yet to say hello.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_identity_checks_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Follows and rooms',
          description: 'Standing follows, and the conversations they are of. A room is one subscription at Redis.',
          unit: 'short',
          targets: [sumOf('runnel_gateway_follows', '', 'follows'), sumOf('runnel_gateway_rooms', '', 'rooms')],
        },
        {
          kind: 'timeseries',
          title: 'Screens told',
          description: 'Writes of how many screens a conversation is open on. A failed one is repeated a second later.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_presence_writes_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Closes by code',
          description: 'Sockets closed by gateways (docs/codes.md). 4002 slow readers, 1012 drains, 1013 full nodes.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_closes_total', 'code')],
        },
        {
          kind: 'timeseries',
          title: 'Unsent bytes',
          description: 'What waits in outboxes (W-14). A hill is a slow network between us and many; a socket with 1 MiB is closed.',
          unit: 'bytes',
          targets: [sumOf('runnel_gateway_unsent_bytes', 'instance')],
        },
        {
          kind: 'timeseries',
          title: 'Slow readers',
          description: 'Chunks that were merged because a socket was behind, and SSE responses broken off for it.',
          unit: 'ops',
          targets: [
            perSecond('runnel_gateway_merged_chunks_total', '', 'merged chunks'),
            perSecond('runnel_gateway_decisions_total', 'decision, outcome', 'decided: {{decision}} {{outcome}}'),
            perSecond('runnel_gateway_slow_event_streams_total', '', 'SSE broken off'),
          ],
        },
        {
          kind: 'timeseries',
          title: 'Uploads',
          description:
            'Bodies of uploaded files by what became of them, and what was found in them (previews: when asked for). Refusals are the uploader’s own (type, size, quota); where the folder of files does not answer, requests fail with 503, which the alert on errors sees.',
          unit: 'ops',
          targets: [
            perSecond('runnel_gateway_uploads_total', 'outcome', '{{outcome}}'),
            perSecond('runnel_gateway_file_contents_total', 'what, outcome', '{{what}} {{outcome}}'),
          ],
        },
        {
          kind: 'timeseries',
          title: 'Other protocols',
          description:
            'Answers in the dialects of other clients (docs/wires), by code; open: those that stay open. Refusals of one client alone are its own.',
          unit: 'ops',
          targets: [
            perSecond('runnel_gateway_dialect_requests_total', 'dialect, code'),
            { ...sumOf('runnel_gateway_dialect_streams', 'dialect'), legend: 'open {{dialect}}' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Frames from clients',
          description: 'By type. Many follows: a reconnect storm.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_frames_total', 'type')],
        },
      ],
    },
    httpRow,
    {
      title: 'Commands',
      panels: [
        {
          kind: 'timeseries',
          title: 'Commands by outcome',
          description: 'All commands of all transports. unavailable: the store did not answer within a second (P-10).',
          unit: 'reqps',
          targets: [perSecond('runnel_gateway_commands_total', 'command, outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Refusals by limit',
          description:
            'What a budget of a person or an address refused (docs/operations.md). One that stands for hours: too small, or an attack.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_refusals_total', 'limit')],
        },
        {
          kind: 'timeseries',
          title: 'Sign-ins',
          description: 'Who came back from the identity provider, by what became of it (runbook ProviderUnreachable).',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_sign_ins_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Session renewals',
          description: 'ended: the provider does not stand by the person any more. unavailable: it was away; who is in stays in.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_session_renewals_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'API keys shown',
          description: 'By what they were. unknown: ended, expired, or never of this installation (runbook KeysRefused).',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_key_checks_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Live keys and sessions',
          description: 'Those that a socket or a stream lives of: they close within a second of its end.',
          unit: 'short',
          targets: [sumOf('runnel_gateway_live_grants', 'instance')],
        },
        {
          kind: 'timeseries',
          title: 'Reads that wait',
          description:
            'Their person has MAX_READS_PER_USER under way. A page that opens many conversations makes some for a moment; what waits 3 s is refused.',
          unit: 'short',
          targets: [sumOf('runnel_gateway_reads_waiting', 'instance')],
        },
        {
          kind: 'timeseries',
          title: 'Command time, p99',
          description: 'From the frame to its answer. Its deadline is 800 ms, or 5 s while the store answers others.',
          unit: 's',
          limit: 0.25,
          targets: [quantile(0.99, 'runnel_gateway_command_seconds', 'command')],
        },
        {
          kind: 'timeseries',
          title: 'Cancels by who ended them',
          description: 'owner: the AI pod did. gateway: it was not heard of within 100 ms. nobody: left to the sweep.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_cancel_finishes_total', 'by')],
        },
        {
          kind: 'timeseries',
          title: 'Whose a conversation is, by what the database said',
          description:
            'unanswered: prompts make unproven conversations until it answers. expelled: somebody had taken an id that was not theirs.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_ownership_answers_total', 'standing'), perSecond('runnel_gateway_expelled_total')],
        },
        {
          kind: 'timeseries',
          title: 'What people set for themselves, by outcome',
          description:
            'Pins, folders, thumbs, prompts, settings. restored: brought back from the database. unavailable: neither store could tell; lists are shown without places (no alert: the alerts of the stores fire).',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_records_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Dispatches by outcome',
          description: 'Offers of a run to AI pods. queued: no pod took it (runbook RunsQueued).',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_dispatches_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Longest line',
          description: 'The farthest place in line that people are told. It grows while all AI pods are full: runbook RunsQueued.',
          unit: 'short',
          targets: [{ expr: 'max(runnel_gateway_longest_line)', legend: 'place' }],
        },
        {
          kind: 'timeseries',
          title: 'AI pods known',
          description:
            'AI pods that discovery found, and reads of the Service by outcome. Fewer than the deployment has: look at discovery.',
          unit: 'short',
          targets: [
            sumOf('runnel_gateway_ai_pods', 'instance'),
            { ...perSecond('runnel_gateway_discoveries_total', 'outcome'), legend: 'reads, {{outcome}}' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'AI pods lost',
          description:
            'Connections to AI pods that ended. cut: its runs went elsewhere (a death); nothing: it had none (a drain, a deploy); failed: the store did not answer.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_lost_pods_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Open breakers',
          description: 'AI pods that a gateway leaves alone because they did not answer.',
          unit: 'short',
          targets: [sumOf('runnel_gateway_open_breakers', 'instance')],
        },
      ],
    },
    {
      title: 'Between the services',
      panels: [
        {
          kind: 'timeseries',
          title: 'Inner calls refused',
          description: 'By reason, of all services: a page, no token, another token, or a service that does not know its own yet.',
          unit: 'ops',
          targets: [{ ...perSecond('runnel_inner_refused_total', 'service, reason'), legend: '{{service}} {{reason}}' }],
        },
      ],
    },
    {
      title: 'Reads of the log',
      panels: [
        {
          kind: 'timeseries',
          title: 'Events and polls',
          description:
            'Events the channels brought; looks into the log because a channel was silent. found=true: the channel lost something.',
          unit: 'ops',
          targets: [
            perSecond('runnel_gateway_events_total', '', 'events'),
            { ...perSecond('runnel_gateway_polls_total', 'found'), legend: 'polls, found {{found}}' },
          ],
        },
        {
          kind: 'timeseries',
          title: 'Reads by outcome',
          description: 'tail, snapshot, none; unavailable is an outage of Redis.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_reads_total', 'outcome')],
        },
        {
          kind: 'timeseries',
          title: 'Read time',
          description: 'Duration of a read of the log; one read may serve many followers.',
          unit: 's',
          limit: 0.05,
          targets: spread('runnel_gateway_read_seconds'),
        },
        {
          kind: 'timeseries',
          title: 'History pages by source',
          description: 'Where older messages came from: a cache, Redis, or the audit service.',
          unit: 'ops',
          targets: [perSecond('runnel_gateway_history_reads_total', 'from')],
        },
      ],
    },
    processRow('gateway'),
  ],
};
