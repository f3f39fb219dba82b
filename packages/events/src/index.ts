export * from './event-bus.ts';
export * from './event-bus-kafka.ts';
export { isKafkaOutage, KAFKA_SASL_MECHANISMS, type KafkaAccess } from './kafka-client.ts';
export { createLanes } from './lanes.ts';
export * from './relay.ts';
