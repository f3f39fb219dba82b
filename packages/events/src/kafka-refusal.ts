import { createLogThrottle } from './log-throttle.ts';

/** Of OpenSSL, by way of Node: the chain of a certificate, its dates, its names. */
const UNTRUSTED =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(GET_ISSUER_CERT(_LOCALLY)?|VERIFY_LEAF_SIGNATURE)|CERT_\w+|INVALID_(CA|PURPOSE)|ERR_TLS_CERT_ALTNAME_INVALID)$/;
const NO_TLS = /^(ERR_SSL_\w+|EPROTO)$/;

/** Why a Kafka that answers does not let us in, for whoever can change it; undefined for every other error. Pure. */
export const refusalOf = (error: unknown): string | undefined => {
  for (let at = error; at instanceof Error; at = at.cause) {
    const code = String((at as { code?: unknown }).code ?? '');
    if (at.name === 'KafkaJSSASLAuthenticationError')
      return `Kafka does not accept KAFKA_USERNAME, KAFKA_PASSWORD or KAFKA_SASL_MECHANISM: ${at.message}`;
    const type = String((at as { type?: unknown }).type ?? '');
    if (type.endsWith('_AUTHORIZATION_FAILED')) return `KAFKA_USERNAME lacks a right at Kafka (${type}): ${at.message}`;
    if (UNTRUSTED.test(code))
      return `Kafka's certificate is not trusted (${code}): KAFKA_CA_FILE must hold the authority that signed it, KAFKA_BROKERS the names in it`;
    if (NO_TLS.test(code)) return `Kafka and this service do not agree on TLS (${code}): is it the TLS port, and KAFKA_TLS right?`;
  }
  return undefined;
};

/** An account is locked by who asks too often, and a log says it well enough once in a while. */
export const REFUSED_MS = 5_000;
const SAID_EVERY_MS = 60_000;

/** Logs refusals; the same one once a minute, however many connections meet it. */
export const createRefusalLog = (log: { error(fields: object): void }, now = (): number => performance.now()) => {
  const isWorthALine = createLogThrottle(SAID_EVERY_MS, now);
  return (error: unknown): void => {
    const message = refusalOf(error);
    if (message !== undefined && isWorthALine(message)) log.error({ event: 'kafka.refused', message });
  };
};
