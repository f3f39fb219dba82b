import { shell } from './shell.ts';

/** Of one pod, in MB. */
export interface PodMemory {
  pod: string;
  /** What the kernel would have to take from it: what limits and evictions go by. */
  workingSet: number;
  /** Its own pages, without those of files. */
  rss: number;
}

interface Summary {
  pods: { podRef: { name: string; namespace: string }; memory?: { workingSetBytes?: number; rssBytes?: number } }[];
}

const MB = 1e6;

/** As the kubelets see it, from their cgroups. */
export const podMemory = async (nodes: () => Promise<string[]>, namespace: string): Promise<PodMemory[]> => {
  const summaries = (await nodes()).map((node) => shell('kubectl', ['get', '--raw', `/api/v1/nodes/${node}/proxy/stats/summary`]));
  return (await Promise.all(summaries))
    .flatMap((text) => (JSON.parse(text) as Summary).pods)
    .filter(({ podRef }) => podRef.namespace === namespace)
    .map(({ podRef, memory }) => ({
      pod: podRef.name,
      workingSet: Math.round((memory?.workingSetBytes ?? 0) / MB),
      rss: Math.round((memory?.rssBytes ?? 0) / MB),
    }));
};
