import { StatusError, type KubeApi, type KubeObject } from '@runnel/kube';
import { GROUP, VERSION } from '../kinds/shared.ts';

/** Who owns the fields that the operator writes. */
const FIELD_MANAGER = 'runnel-operator';
const APPLY = { fieldManager: FIELD_MANAGER, force: true };

export const customPath = (namespace: string, plural: string): string => `/apis/${GROUP}/${VERSION}/namespaces/${namespace}/${plural}`;

/** It has been deleted, or changed by somebody who was faster: the next look decides anew. */
const isOvertaken = (error: unknown): boolean => error instanceof StatusError && (error.status === 404 || error.status === 409);
const isRefused = (error: unknown): boolean => error instanceof StatusError && error.status === 403;

/** `refused`: there is no right to do it. */
export type WriteOutcome = 'written' | 'overtaken' | 'refused';

export interface WriterOptions {
  api: KubeApi;
  leads(): boolean;
  onWrite(what: string, outcome: WriteOutcome): void;
  /** The first of what is refused in a row. */
  onRefused(what: string, error: unknown): void;
}

/** Thrown in place of a write once another process may lead. */
export class NotLeading extends Error {}

export const createWriter = ({ api, leads, onWrite, onRefused }: WriterOptions) => {
  const core = `/api/v1/namespaces/${api.namespace}`;
  const refused = new Set<string>();
  const write = async (what: string, send: () => Promise<unknown>): Promise<WriteOutcome> => {
    // A process that was asleep finds that it leads no more before it writes what it decided then.
    if (!leads()) throw new NotLeading();
    try {
      await send();
      refused.delete(what);
      onWrite(what, 'written');
      return 'written';
    } catch (error) {
      if (!isOvertaken(error)) throw error;
      onWrite(what, 'overtaken');
      return 'overtaken';
    }
  };
  /** What the rest goes on without. */
  const attempt = async (what: string, send: () => Promise<unknown>): Promise<WriteOutcome> => {
    try {
      return await write(what, send);
    } catch (error) {
      if (!isRefused(error)) throw error;
      if (!refused.has(what)) onRefused(what, error);
      refused.add(what);
      onWrite(what, 'refused');
      return 'refused';
    }
  };
  return {
    applyConfigMap: (object: KubeObject) =>
      write('models', () => api.patch(`${core}/configmaps/${object.metadata!.name}`, 'apply', object, APPLY)),
    applySecret: (object: KubeObject) => write('keys', () => api.patch(`${core}/secrets/${object.metadata!.name}`, 'apply', object, APPLY)),
    status: (kind: string, plural: string, name: string, status: object) =>
      write('status', () =>
        api.patch(
          `${customPath(api.namespace, plural)}/${name}/status`,
          'apply',
          { apiVersion: `${GROUP}/${VERSION}`, kind, metadata: { name }, status },
          APPLY,
        ),
      ),
    annotatePod: (name: string, annotations: Record<string, string>) =>
      attempt('pod', () => api.patch(`${core}/pods/${name}`, 'merge', { metadata: { annotations } }, { fieldManager: FIELD_MANAGER })),
    scale: (deployment: string, replicas: number) =>
      attempt('scale', () =>
        api.patch(
          `/apis/apps/v1/namespaces/${api.namespace}/deployments/${deployment}/scale`,
          'merge',
          { spec: { replicas } },
          { fieldManager: FIELD_MANAGER },
        ),
      ),
    patchDeployment: (deployment: string, patch: object) =>
      attempt('deployment', () =>
        api.patch(`/apis/apps/v1/namespaces/${api.namespace}/deployments/${deployment}`, 'merge', patch, { fieldManager: FIELD_MANAGER }),
      ),
  };
};
export type Writer = ReturnType<typeof createWriter>;
