import { bool, integer, list, object, ref, text, unset, words, type Schema } from './kubernetes-schema.ts';

const development = (own: Record<string, Schema> = {}): Schema =>
  object({
    ...{ enabled: bool, image: text('.'), storage: ref('quantityOrNothing'), resources: ref('resources'), nodeSelector: ref('labels') },
    ...own,
  });

export const existingSecret = ref('name');
/** Which key of an existing Secret holds what. */
export const secretKeys = (...names: string[]): Schema => object(Object.fromEntries(names.map((name) => [name, ref('key')])));
const storeTls = object({ caSecret: ref('name'), clientSecret: ref('name') });

/** The values of Redis, Kafka and PostgreSQL: yours, or a development one in the release. */
export const stores: Record<string, Schema> = {
  redis: object({
    url: text(String.raw`^$|^(redis|rediss|redis\+cluster|redis\+sentinel)://`),
    existingSecret,
    secretKeys: secretKeys('url'),
    keyPrefix: text('^[A-Za-z0-9:._-]{0,64}$'),
    shards: unset(integer(1)),
    tls: storeTls,
    development: development({ command: list(text()) }),
  }),
  kafka: object({
    brokers: text('^$|^[^\\s:,]+:[0-9]+(,[^\\s:,]+:[0-9]+)*$'),
    topicPrefix: text('^[A-Za-z0-9._-]{0,64}$'),
    groupPrefix: text('^[A-Za-z0-9._-]{0,64}$'),
    tls: object({ enabled: bool, caSecret: ref('name'), clientSecret: ref('name'), clientKeys: secretKeys('cert', 'key') }),
    sasl: object({ mechanism: words('', 'plain', 'scram-sha-256', 'scram-sha-512'), username: text() }),
    existingSecret,
    secretKeys: secretKeys('username', 'password'),
    development: development(),
  }),
  postgres: object({
    url: text('^$|^postgres(ql)?://'),
    existingSecret,
    secretKeys: secretKeys('url'),
    tls: storeTls,
    development: development(),
  }),
};
