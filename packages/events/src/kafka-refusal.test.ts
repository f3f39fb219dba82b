import { expect, test } from 'vitest';
import { isKafkaOutage } from './kafka-client.ts';
import { createRefusalLog, refusalOf } from './kafka-refusal.ts';

const named = (name: string, fields: object = {}): Error => Object.assign(new Error('low level'), { name, ...fields });
const SASL = named('KafkaJSNonRetriableError', { cause: named('KafkaJSSASLAuthenticationError', { retriable: false }) });

test.each([
  [SASL, 'Kafka does not accept KAFKA_USERNAME, KAFKA_PASSWORD or KAFKA_SASL_MECHANISM: low level'],
  [
    named('KafkaJSNumberOfRetriesExceeded', { cause: named('KafkaJSConnectionError', { code: 'CERT_HAS_EXPIRED' }) }),
    /CERT_HAS_EXPIRED.*KAFKA_CA_FILE/,
  ],
  [named('Error', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }), /not trusted.*KAFKA_BROKERS/],
  [named('KafkaJSProtocolError', { type: 'GROUP_AUTHORIZATION_FAILED' }), /^KAFKA_USERNAME lacks a right at Kafka \(GROUP_AUTH/],
  [named('Error', { code: 'ERR_SSL_PACKET_LENGTH_TOO_LONG' }), /do not agree on TLS/],
])('%o is a refusal, and says which setting to look at', (error, sentence) => {
  expect(refusalOf(error)).toMatch(sentence);
});

test('an outage is none', () => {
  expect(refusalOf(named('KafkaJSConnectionError', { code: 'ECONNREFUSED' }))).toBeUndefined();
  expect(refusalOf('nothing')).toBeUndefined();
});

test('P-10 a refusal is waited out as an outage is: history is served meanwhile', () => {
  expect(isKafkaOutage(SASL)).toBe(true);
  expect(isKafkaOutage(named('KafkaJSProtocolError', { type: 'GROUP_AUTHORIZATION_FAILED', retriable: false }))).toBe(true);
});

test('the same refusal is logged once a minute, another one at once', () => {
  const lines: object[] = [];
  let now = 0;
  const refused = createRefusalLog({ error: (fields) => void lines.push(fields) }, () => now);
  refused(SASL);
  refused(SASL);
  expect(lines).toEqual([{ event: 'kafka.refused', message: refusalOf(SASL) }]);
  refused(named('Error', { code: 'EPROTO' }));
  refused(named('Error', { code: 'ECONNRESET' }));
  expect(lines).toHaveLength(2);
  now = 59_999;
  refused(named('Error', { code: 'EPROTO' }));
  expect(lines).toHaveLength(2);
  now = 60_000;
  refused(named('Error', { code: 'EPROTO' }));
  expect(lines).toHaveLength(3);
});
