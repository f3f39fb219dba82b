import {
  auditEventOf,
  CHAT_TOPIC,
  DATA_VERSION,
  EVENT_TYPES,
  STREAM_TOPIC,
  topicOf,
  type AuditEventType,
} from '../../packages/protocol/src/audit/index.ts';

/** Kept in the trail only: no topic brings them. */
const IN_THE_TRAIL_ONLY: ReadonlySet<string> = new Set<AuditEventType>([
  'ADMIN_READ',
  'USER_ERASED',
  'KEY_MADE',
  'KEY_ENDED',
  'SIGNED_IN',
  'SIGNED_OUT',
  'USER_FORGOTTEN',
  'TRAIL_CUT',
  'TEXTS_CUT',
  'RUNS_CUT',
  'HOLD_SET',
  'HOLD_ENDED',
]);

const SAYS: Record<string, string> = {
  [CHAT_TOPIC]: 'A conversation: that it began, what people said in it, its title, and what was deleted.',
  [STREAM_TOPIC]: 'Its answers: that one began, when its pieces came, how it ended with its text, and who took it over.',
};

/** The Kafka topics that others may read, as AsyncAPI 3.0 in JSON, made of the schemas that Runnel itself reads them with. Pure. */
export const asyncApi = (): string => {
  const types = EVENT_TYPES.filter((type) => !IN_THE_TRAIL_ONLY.has(type));
  const topics = [CHAT_TOPIC, STREAM_TOPIC];
  const ref = (path: string) => ({ $ref: `#/${path}` });
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Runnel: audit events',
      version: `${DATA_VERSION}.0.0`,
      description:
        'CloudEvents 1.0 in structured mode, keyed by conversation, in order within a conversation and topic. An event may come more than ' +
        'once: `id` tells. A field may be added within a `dataversion`; one that goes or changes its meaning makes a new `dataversion`, ' +
        'which is the major version of this document. docs/audit.md says what events mean.',
      contact: { name: 'The developers of Runnel' },
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/cloudevents+json',
    channels: Object.fromEntries(
      topics.map((topic) => [
        topic,
        {
          address: topic,
          description: SAYS[topic],
          messages: Object.fromEntries(
            types.filter((type) => topicOf(type) === topic).map((type) => [type, ref(`components/messages/${type}`)]),
          ),
        },
      ]),
    ),
    operations: Object.fromEntries(
      topics.map((topic) => [
        `publish-${topic}`,
        { action: 'send', description: `What the audit service publishes to ${topic}.`, channel: ref(`channels/${topic}`) },
      ]),
    ),
    components: {
      messages: Object.fromEntries(
        types.map((type) => [
          type,
          {
            name: type,
            contentType: 'application/cloudevents+json',
            headers: {
              type: 'object',
              properties: {
                'content-type': { type: 'string' },
                ce_id: { type: 'string' },
                ce_type: { const: type },
                traceparent: { type: 'string' },
              },
              required: ['content-type', 'ce_id', 'ce_type'],
            },
            payload: { schemaFormat: 'application/schema+json;version=draft-07', schema: auditEventOf(type) },
          },
        ]),
      ),
    },
  };
  return `${JSON.stringify(document, null, 2)}\n`;
};
