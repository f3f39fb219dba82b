import type { KubeObject } from '@runnel/kube';
import type { ModelEntry } from '@runnel/protocol/http';
import type { Published } from './publish.ts';

/** What the objects are that pods mount, and what the file is called in them. */
export const MODELS_KEY = 'models.json';
const LEAVING = 'runnel.dev/leaving';

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}
export interface Secret extends KubeObject {
  data?: Record<string, string>;
  type?: string;
}

export const textOf = ({ entries }: Published): string => JSON.stringify(entries);

/** What is published, as the two objects say; null: they are not there, or hold nothing that could be read. Pure. */
export const publishedIn = (file: ConfigMap | null, keys: Secret | null): Published | null => {
  try {
    const entries = JSON.parse(file?.data?.[MODELS_KEY] ?? '') as ModelEntry[];
    const leaving = JSON.parse(file?.metadata?.annotations?.[LEAVING] ?? '{}') as Record<string, number>;
    return Array.isArray(entries) ? { entries, leaving, keys: keys?.data ?? {} } : null;
  } catch {
    return null;
  }
};

interface Names {
  file: string;
  keys: string;
  labels: Record<string, string>;
  ownerReferences: readonly unknown[];
}

/** The objects to apply. Pure. */
export const objectsFor = (published: Published, { file, keys, labels, ownerReferences }: Names): { file: ConfigMap; keys: Secret } => {
  const metadata = (name: string, annotations: Record<string, string>) => ({ name, labels, annotations, ownerReferences });
  return {
    file: {
      ...{ apiVersion: 'v1', kind: 'ConfigMap' },
      metadata: metadata(file, { [LEAVING]: JSON.stringify(published.leaving) }),
      data: { [MODELS_KEY]: textOf(published) },
    },
    keys: { apiVersion: 'v1', kind: 'Secret', metadata: metadata(keys, {}), type: 'Opaque', data: { ...published.keys } },
  };
};
