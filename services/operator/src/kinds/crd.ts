import type { TSchema } from 'typebox';
import { ChatClusterSpec, ChatClusterStatus } from './chat-cluster.ts';
import { ChatModelSpec, ChatModelStatus, chatModelRules } from './chat-model.ts';
import { GROUP, VERSION } from './shared.ts';
import { structural } from './structural.ts';

interface Column {
  name: string;
  type: 'string' | 'integer' | 'date';
  jsonPath: string;
  description?: string;
  /** Shown with `-o wide` only. */
  priority?: number;
}

interface Kind {
  kind: string;
  plural: string;
  shortNames: readonly string[];
  description: string;
  spec: TSchema;
  status: TSchema;
  rules?: object;
  columns: readonly Column[];
}

const condition = (type: string, field: string): string => `.status.conditions[?(@.type=="${type}")].${field}`;
const age: Column = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const KINDS: readonly Kind[] = [
  {
    kind: 'ChatModel',
    plural: 'chatmodels',
    shortNames: ['chm'],
    description: 'A model that people can pick. Added, changed, suspended and deleted while answers run; no pod is restarted.',
    spec: ChatModelSpec,
    status: ChatModelStatus,
    rules: chatModelRules,
    columns: [
      { name: 'Provider', type: 'string', jsonPath: '.spec.provider' },
      { name: 'Ready', type: 'string', jsonPath: condition('Ready', 'status') },
      { name: 'Reason', type: 'string', jsonPath: condition('Ready', 'reason') },
      { name: 'Pods', type: 'string', jsonPath: '.status.pods', description: 'AI pods that have it as the spec says' },
      { name: 'Running', type: 'integer', jsonPath: '.status.running', description: 'Answers that it writes now' },
      { name: 'P95', type: 'string', jsonPath: '.status.firstTextP95', description: 'Until the first text' },
      { name: 'Failed', type: 'string', jsonPath: '.status.failing', description: 'Of the answers of the last minutes' },
      { name: 'Endpoints', type: 'string', jsonPath: '.status.endpoints', description: 'That do not rest after failures', priority: 1 },
      { name: 'Since', type: 'date', jsonPath: condition('Ready', 'lastTransitionTime'), priority: 1 },
      { name: 'Message', type: 'string', jsonPath: condition('Ready', 'message'), priority: 1 },
      age,
    ],
  },
  {
    kind: 'ChatCluster',
    plural: 'chatclusters',
    shortNames: ['chc'],
    description: 'One release of Runnel: how it is, and how it scales. Its name is that of the release’s objects.',
    spec: ChatClusterSpec,
    status: ChatClusterStatus,
    columns: [
      { name: 'Available', type: 'string', jsonPath: condition('Available', 'status') },
      { name: 'Progressing', type: 'string', jsonPath: condition('Progressing', 'status') },
      { name: 'Degraded', type: 'string', jsonPath: condition('Degraded', 'status') },
      { name: 'Gateways', type: 'integer', jsonPath: '.status.gateways.ready' },
      { name: 'Sockets', type: 'integer', jsonPath: '.status.gateways.live' },
      { name: 'AI', type: 'integer', jsonPath: '.status.ai.ready' },
      { name: 'Answers', type: 'integer', jsonPath: '.status.ai.live' },
      { name: 'Models', type: 'string', jsonPath: '.status.models' },
      { name: 'Why', type: 'string', jsonPath: condition('Degraded', 'message'), priority: 1 },
      age,
    ],
  },
];

/** The definitions that the API server is given, one of each kind. Pure. */
export const crds = () =>
  KINDS.map(({ kind, plural, shortNames, description, spec, status, rules = {}, columns }) => ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${GROUP}`,
      // What people made is not deleted with a chart.
      annotations: { 'helm.sh/resource-policy': 'keep' },
    },
    spec: {
      group: GROUP,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames, categories: ['runnel'] },
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: columns,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description,
              required: ['spec'],
              properties: {
                // The API server allows rules about the name only where it is bounded.
                metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 253 } } },
                spec: structural(spec),
                status: { ...structural(status), description: 'What the operator sees; nobody else writes it' },
              },
              ...rules,
            },
          },
        },
      ],
    },
  }));
