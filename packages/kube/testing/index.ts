export * from './kube-server.ts';
export { kubeProgram, noKubeServer } from './programs.ts';
