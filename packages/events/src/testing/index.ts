export * from './kafka-cluster.ts';
export { STRANGER } from './kafka-settings.ts';
