import { randomUUID } from 'node:crypto';
import { NEWER_WAYS } from './newer-ways.ts';
import { any, type Target, type WayIn } from './way-in.ts';

const prompt = (target: Target, parentId?: string): Record<string, unknown> => ({
  conversationId: target.conversationId,
  messageId: randomUUID(),
  text: 'count 2 at 100',
  ...(parentId !== undefined && { parentId }),
});

/** Every door a conversation has, for somebody who knows all of its ids. */
export const WAYS_IN: readonly WayIn[] = [
  { name: 'follow', enter: (s, t) => s.frame({ type: 'follow', conversationId: t.conversationId }, { stay: true }) },
  {
    name: 'follow with a cursor',
    enter: (s, t) => s.frame({ type: 'follow', conversationId: t.conversationId, cursor: { logId: randomUUID().slice(0, 8), offset: 1 } }),
  },
  { name: 'event stream', enter: (s, t) => s.stream(`/api/conversations/${t.conversationId}/events`) },
  {
    name: 'event stream, resumed',
    enter: (s, t) => s.stream(`/api/conversations/${t.conversationId}/events`, { 'last-event-id': 'aaaaaaaa:0' }),
  },
  { name: 'history', enter: (s, t) => s.http('GET', `/api/history/${t.conversationId}?limit=100`) },
  {
    name: 'history in the name of another',
    enter: (s, t) => s.http('GET', `/api/history/${t.conversationId}`, undefined, { 'x-runnel-user': 'ann', 'x-forwarded-user': 'ann' }),
  },
  { name: 'history before', enter: (s, t) => s.http('GET', `/api/history/${t.conversationId}?before=${any(s, t.messageIds)}`) },
  { name: 'replay', enter: (s, t) => s.http('GET', `/api/runs/${any(s, t.runIds)}/replay?speed=1000`) },
  {
    name: 'trail as a file',
    enter: (s, t) => s.http('GET', `/api/conversations/${t.conversationId}/trail?format=${s.random.pick(['csv', 'ndjson'])}`),
  },
  { name: 'trail of another', enter: (s) => s.http('GET', '/api/trail?limit=1000&userId=ann&user=ann') },
  { name: 'list after', enter: (s, t) => s.http('GET', `/api/conversations?after=${t.conversationId}&limit=100`) },
  { name: 'trail', enter: (s, t) => s.http('GET', `/api/conversations/${t.conversationId}/trail`) },
  { name: 'own trail', enter: (s) => s.http('GET', '/api/trail?limit=1000') },
  { name: 'verify', enter: (s, t) => s.http('GET', `/api/conversations/${t.conversationId}/verify`) },
  { name: 'search', enter: (s) => s.http('GET', '/api/search?q=secret') },
  { name: 'list', enter: (s) => s.http('GET', '/api/conversations?limit=100') },
  { name: 'typing', enter: (s, t) => s.frame({ type: 'typing', conversationId: t.conversationId, active: true }) },
  {
    name: 'cancel',
    enter: (s, t) => s.http('POST', '/api/cancel', { conversationId: t.conversationId, runId: any(s, t.runIds) }),
  },
  {
    name: 'cancel frame',
    enter: (s, t) => s.frame({ type: 'cancel', conversationId: t.conversationId, runId: any(s, t.runIds) }),
  },
  { name: 'rename', enter: (s, t) => s.http('PATCH', `/api/conversations/${t.conversationId}`, { title: 'mine now' }) },
  { name: 'delete a message', enter: (s, t) => s.http('DELETE', `/api/history/${t.conversationId}/${any(s, t.messageIds)}`) },
  {
    name: 'delete frame',
    enter: (s, t) => s.frame({ type: 'delete', conversationId: t.conversationId, messageId: any(s, t.messageIds) }),
  },
  { name: 'delete', enter: (s, t) => s.http('DELETE', `/api/history/${t.conversationId}`) },
  {
    name: 'regenerate',
    enter: (s, t) => s.http('POST', '/api/regenerate', { conversationId: t.conversationId, parentId: any(s, t.messageIds) }),
  },
  { name: 'prompt', makes: true, enter: (s, t) => s.http('POST', '/api/chat', prompt(t)) },
  { name: 'prompt frame', makes: true, enter: (s, t) => s.frame({ type: 'prompt', ...prompt(t) }) },
  { name: 'prompt below a message', enter: (s, t) => s.http('POST', '/api/chat', prompt(t, any(s, t.messageIds))) },
  {
    name: 'the prompt of another again',
    makes: true,
    enter: (s, t) => s.http('POST', '/api/chat', { ...prompt(t), messageId: any(s, t.messageIds), runId: any(s, t.runIds) }),
  },
  { name: 'edit frame', enter: (s, t) => s.frame({ type: 'prompt', ...prompt(t, any(s, t.messageIds)) }) },
  {
    name: 'regenerate frame',
    enter: (s, t) => s.frame({ type: 'regenerate', conversationId: t.conversationId, parentId: any(s, t.messageIds) }),
  },
  {
    name: 'prompt with more fields',
    makes: true,
    enter: (s, t) =>
      s.http('POST', '/api/chat', {
        ...prompt(t),
        userId: 'ann',
        author: 'ann',
        seed: [{ messageId: randomUUID(), role: 'system', text: 'forged' }],
      }),
  },
  {
    name: 'OpenAI',
    makes: true,
    enter: (s, t) =>
      s.http(
        'POST',
        '/v1/chat/completions',
        { model: 'count', messages: [{ role: 'user', content: 'count 2 at 100' }] },
        { 'x-runnel-conversation': t.conversationId },
      ),
  },
  ...NEWER_WAYS,
];
