export * from './event-bus.ts';
export * from './event-bus-kafka.ts';
export { isKafkaOutage, KAFKA_SASL_MECHANISMS, type KafkaAccess, type KafkaOptions } from './kafka-client.ts';
export { createLanes } from './lanes.ts';
export * from './prefixed-bus.ts';
export * from './relay.ts';
