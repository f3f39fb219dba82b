export * from './audit-event.ts';
export * from './event-bus.ts';
export * from './event-bus-kafka.ts';
export * from './relay.ts';
