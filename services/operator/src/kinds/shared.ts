import { Type, type TProperties } from 'typebox';
import type { KubeObject } from '@runnel/kube';

export const GROUP = 'runnel.dev';
export const VERSION = 'v1alpha1';

/** `metav1.Condition`. */
export const Conditions = Type.Array(
  Type.Object({
    type: Type.String({ maxLength: 64 }),
    status: Type.Enum(['True', 'False', 'Unknown']),
    reason: Type.String({ maxLength: 64, description: 'One word' }),
    message: Type.String({ maxLength: 2_048, description: 'The same in a sentence' }),
    lastTransitionTime: Type.String({ format: 'date-time', description: 'Since when' }),
    observedGeneration: Type.Optional(Type.Integer()),
  }),
  {
    maxItems: 8,
    description: 'What is true of it, since when, and why',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['type'],
  },
);

/** A rule that the API server checks when the object is written: a CEL expression, and the sentence that is told where it is false. */
export interface Rule {
  rule: string;
  message: string;
}
export const rules = (...all: [rule: string, message: string][]): { 'x-kubernetes-validations': Rule[] } => ({
  'x-kubernetes-validations': all.map(([rule, message]) => ({ rule, message })),
});

/** An object without fields of other names. */
export const only = <P extends TProperties>(properties: P, more: Record<string, unknown> = {}) =>
  Type.Object(properties, { additionalProperties: false, ...more });

export interface CustomObject<Spec, Status> extends KubeObject {
  spec: Spec;
  status?: Status;
}
