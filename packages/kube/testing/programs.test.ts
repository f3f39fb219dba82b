import { expect, test } from 'vitest';
import { findKubeServer } from './programs.ts';

const having =
  (...paths: string[]) =>
  (path: string): boolean =>
    paths.includes(path);
const BOTH = ['/a/etcd', '/a/kube-apiserver'];

test('O-4 without an API server its tests are skipped, and with a broken one they fail', () => {
  expect(findKubeServer(undefined, ['/b', '/a'], having(...BOTH))).toBe('/a');
  expect(findKubeServer('/a', [], having(...BOTH))).toBe('/a');
  expect(findKubeServer(undefined, ['/a', '/b'], having())).toBe(undefined);
  expect(findKubeServer('', ['/a'], having())).toBe(undefined);
  expect(() => findKubeServer('/b', ['/a'], having(...BOTH))).toThrow(/KUBEBUILDER_ASSETS is \/b, and has no etcd and no kube-apiserver/);
  expect(() => findKubeServer(undefined, ['/a'], having('/a/etcd'))).toThrow('/a is broken: it has no kube-apiserver that can be run');
});
