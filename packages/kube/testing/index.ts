export * from './kube-server.ts';
