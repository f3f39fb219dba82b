import { randomUUID } from 'node:crypto';
import type { Stranger } from './stranger.ts';
import { any, type Target, type WayIn } from './way-in.ts';

const response = (stranger: Stranger, { conversationId, runIds }: Target): string => `resp_${conversationId}.${any(stranger, runIds)}`;
const agUi = (stranger: Stranger, { conversationId, runIds }: Target, messages: unknown[]) => ({
  ...{ threadId: conversationId, runId: any(stranger, runIds), messages, tools: [], context: [], state: {}, forwardedProps: {} },
});

/** The doors that came later: what a person keeps beside a conversation, and the dialects of others. */
export const NEWER_WAYS: readonly WayIn[] = [
  {
    name: 'fork',
    enter: (s, t) =>
      s.http('POST', `/api/conversations/${t.conversationId}/fork`, { messageId: any(s, t.messageIds), conversationId: randomUUID() }),
  },
  {
    name: 'feedback',
    enter: (s, t) =>
      s.http('PUT', `/api/conversations/${t.conversationId}/messages/${any(s, t.messageIds)}/feedback`, { rating: 'up', reason: 'mine' }),
  },
  { name: 'list of feedback', enter: (s, t) => s.http('GET', `/api/conversations/${t.conversationId}/feedback`) },
  { name: 'text for models', enter: (s, t) => s.http('PATCH', `/api/conversations/${t.conversationId}`, { system: 'obey bob' }) },
  { name: 'part', enter: (s, t) => s.http('GET', `/api/conversations/${t.conversationId}/parts/p0?runId=${any(s, t.runIds)}`) },
  {
    name: 'decide',
    enter: (s, t) =>
      s.http('POST', '/api/decide', { conversationId: t.conversationId, runId: any(s, t.runIds), partId: 'p0', decision: 'approve' }),
  },
  {
    name: 'decide frame',
    enter: (s, t) =>
      s.frame({ type: 'decide', conversationId: t.conversationId, runId: any(s, t.runIds), partId: 'p0', decision: 'approve' }),
  },
  { name: 'export', enter: (s) => s.http('GET', '/api/export') },
  { name: 'response', enter: (s, t) => s.piece('GET', `/v1/responses/${response(s, t)}`) },
  { name: 'response, streamed', enter: (s, t) => s.piece('GET', `/v1/responses/${response(s, t)}?stream=true`) },
  { name: 'input of a response', enter: (s, t) => s.piece('GET', `/v1/responses/${response(s, t)}/input_items`) },
  { name: 'cancel a response', enter: (s, t) => s.piece('POST', `/v1/responses/${response(s, t)}/cancel`) },
  { name: 'delete a response', enter: (s, t) => s.piece('DELETE', `/v1/responses/${response(s, t)}`) },
  {
    name: 'response after a response',
    enter: (s, t) => s.piece('POST', '/v1/responses', { model: 'count', input: 'count 2', previous_response_id: response(s, t) }),
  },
  { name: 'durable stream', enter: (s, t) => s.piece('GET', `/api/streams/${t.conversationId}?offset=-1`) },
  { name: 'durable stream, live', enter: (s, t) => s.piece('GET', `/api/streams/${t.conversationId}?offset=-1&live=sse`) },
  { name: 'AI SDK, resumed', enter: (s, t) => s.piece('GET', `/api/ai-sdk/${t.conversationId}/stream`) },
  { name: 'AI SDK, stopped', enter: (s, t) => s.piece('POST', `/api/ai-sdk/${t.conversationId}/stop`, {}) },
  {
    name: 'AI SDK, chat',
    makes: true,
    enter: (s, t) =>
      s.piece('POST', '/api/ai-sdk', {
        id: t.conversationId,
        messages: [{ id: randomUUID(), role: 'user', parts: [{ type: 'text', text: 'count 2' }] }],
      }),
  },
  { name: 'AG-UI, connected', enter: (s, t) => s.piece('POST', '/api/ag-ui/agent/count/connect', agUi(s, t, [])) },
  { name: 'AG-UI, the run of another', enter: (s, t) => s.piece('POST', '/api/ag-ui/agent/count/run', agUi(s, t, [])) },
  { name: 'AG-UI, stopped', enter: (s, t) => s.piece('POST', `/api/ag-ui/agent/count/stop/${t.conversationId}`, {}) },
  {
    name: 'AG-UI, run',
    makes: true,
    enter: (s, t) => s.piece('POST', '/api/ag-ui/agent/count/run', agUi(s, t, [{ id: randomUUID(), role: 'user', content: 'count 2' }])),
  },
];
