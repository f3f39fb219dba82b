export { crds } from './kinds/crd.ts';
