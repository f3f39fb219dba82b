export * from './kube-server.ts';
export { noKubeServer } from './programs.ts';
