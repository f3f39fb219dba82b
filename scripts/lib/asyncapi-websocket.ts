import type { TSchema } from 'typebox';
import { CLIENT_FRAMES, PROTOCOL_VERSION } from '../../packages/protocol/src/index.ts';
import { LOG_EVENTS, SERVER_EVENTS } from '../../packages/protocol/src/wire/index.ts';

const ref = (path: string) => ({ $ref: `#/${path}` });
const JSON_SCHEMA = 'application/schema+json;version=draft-07';

const messagesOf = (schemas: Record<string, TSchema>, prefix: string) =>
  Object.fromEntries(
    Object.entries(schemas).map(([type, schema]) => [
      `${prefix}.${type}`,
      {
        name: type,
        contentType: 'application/json',
        ...(Object.hasOwn(LOG_EVENTS, type) && prefix === 'event' && { tags: [{ name: 'log', description: 'Has an offset and is kept' }] }),
        payload: { schemaFormat: JSON_SCHEMA, schema },
      },
    ]),
  );

/**
 * The WebSocket of a gateway as AsyncAPI 3.0 in JSON, made of the schemas that gateways check frames with and of those that the
 * types of events are held against. What the fields mean and in which order they come: PROTOCOL.md. Pure.
 */
export const websocketApi = (): string => {
  const sent = messagesOf(CLIENT_FRAMES, 'frame');
  const told = messagesOf(SERVER_EVENTS, 'event');
  const inChannel = (messages: object) => Object.keys(messages).map((key) => ref(`channels/ws/messages/${key}`));
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Runnel: WebSocket',
      version: `${PROTOCOL_VERSION}.0.0`,
      description:
        'One JSON object a text frame, named by `type`. The first frame is `hello`. Fields and types that a reader does not know are ' +
        'ignored, on both sides; a change that would break a reader makes a new `protocol`, which is the major version of this document. ' +
        'The same events come over `GET /api/conversations/{id}/events` as server-sent events. PROTOCOL.md has the rules.',
      contact: { name: 'The developers of Runnel' },
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: {
      ws: {
        address: '/ws/chat',
        description: 'Many conversations over one socket; a page follows those that it shows.',
        messages: Object.fromEntries(Object.keys({ ...sent, ...told }).map((key) => [key, ref(`components/messages/${key}`)])),
        bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
      },
    },
    operations: {
      frames: { action: 'receive', description: 'What a client sends.', channel: ref('channels/ws'), messages: inChannel(sent) },
      events: { action: 'send', description: 'What a gateway tells.', channel: ref('channels/ws'), messages: inChannel(told) },
    },
    components: { messages: { ...sent, ...told } },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
};
