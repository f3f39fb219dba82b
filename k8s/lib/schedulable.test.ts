import { expect, test } from 'vitest';
import { schedulable } from './schedulable.ts';

test('stores, drains and power cuts are for nodes that take pods: not for the control plane of kind', () => {
  const nodes = [
    {
      metadata: { name: 'runnel-control-plane' },
      spec: { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }] },
    },
    { metadata: { name: 'runnel-worker' }, spec: {} },
    { metadata: { name: 'runnel-worker2' }, spec: { taints: [{ key: 'mine', effect: 'PreferNoSchedule' }] } },
    { metadata: { name: 'left' }, spec: { unschedulable: true } },
  ];
  expect(schedulable(nodes)).toEqual(['runnel-worker', 'runnel-worker2']);
});
