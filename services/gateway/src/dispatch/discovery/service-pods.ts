import { lookup } from 'node:dns/promises';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { delay, type InnerToken, type Logger } from '@runnel/kit';
import { HttpAiPod, type AiPod, type AiPods } from '../ai-pods.ts';
import type { GatewayMetrics } from '../../metrics.ts';
import { createJsonClient } from '../json-client.ts';
import { podUrl, readyUrls, type EndpointSlice } from './endpoint-slices.ts';

export interface ServicePodsOptions {
  /** The Service whose pods run the models. */
  service: string;
  /** `https://host:port` of the Kubernetes API; undefined outside Kubernetes. */
  api: string | undefined;
  token: InnerToken;
  metrics: Pick<GatewayMetrics, 'discoveries' | 'aiPods'>;
  log: Logger;
  /** Where the pod's own token, CA and namespace are mounted. */
  accountDir?: string;
  /** All addresses of a name, for where there is no Kubernetes API to ask. */
  resolve?: (name: string) => Promise<readonly { address: string }[]>;
  resolveEveryMs?: number;
}

const ACCOUNT_DIR = '/var/run/secrets/kubernetes.io/serviceaccount';
/** A name has no ports: AI pods listen here unless told otherwise. */
export const DNS_PORT = 8081;
const RESOLVE_EVERY_MS = 2000;

/**
 * The pods behind a name. In Kubernetes its EndpointSlices, watched: a pod that drains gets no new run from the moment the API
 * knows. Without a service account (compose, or a cluster that gives none) its addresses, resolved again and again. Asking each
 * pod itself, and not the Service, is what lets a refusal go to the next one.
 */
export const servicePods = (options: ServicePodsOptions): AiPods => {
  const { service, api, token, metrics, log, accountDir = ACCOUNT_DIR } = options;
  const { resolve = (name) => lookup(name, { all: true }), resolveEveryMs = RESOLVE_EVERY_MS } = options;
  const client = createJsonClient();
  const stopped = new AbortController();
  let pods = new Map<string, AiPod>();

  const use = (urls: readonly string[]): void => {
    // A pod that stays keeps its breaker and its load.
    pods = new Map(urls.map((url) => [url, pods.get(url) ?? new HttpAiPod(url, client, token)]));
    metrics.aiPods.set(pods.size);
  };

  const watchSlices = async (url: string): Promise<void> => {
    // Only a gateway in Kubernetes pays for the client's memory.
    const { createKubeApi, listWatch, podAccount, reflect } = await import('@runnel/kube');
    const account = await podAccount(url, accountDir);
    const kube = createKubeApi(account);
    const path = `/apis/discovery.k8s.io/v1/namespaces/${account.namespace}/endpointslices`;
    await reflect({
      source: listWatch<EndpointSlice>({ account, api: kube, path, labelSelector: `kubernetes.io/service-name=${service}` }),
      onChange: (slices) => use(readyUrls(slices)),
      onOutcome: (outcome) => metrics.discoveries.inc({ outcome }),
      onFailure: (err, attempt) => log.warn({ event: 'discovery.failed', attempt, err }),
      signal: stopped.signal,
    });
    await kube.close();
  };

  const resolveName = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      try {
        const addresses = await resolve(service);
        use(addresses.map(({ address }) => podUrl(address, DNS_PORT)).toSorted());
        metrics.discoveries.inc({ outcome: 'resolved' });
      } catch (err) {
        metrics.discoveries.inc({ outcome: 'failed' });
        log.warn({ event: 'discovery.failed', aiService: service, err });
      }
      await delay(resolveEveryMs * (0.9 + Math.random() * 0.2), stopped.signal);
    }
  };

  const start = async (): Promise<void> => {
    const hasAccount = await access(join(accountDir, 'token')).then(
      () => true,
      () => false,
    );
    const by = api !== undefined && hasAccount ? 'endpoint-slices' : 'dns';
    log.info({ event: 'discovery.started', aiService: service, by });
    await (by === 'endpoint-slices' ? watchSlices(api!) : resolveName());
  };
  start().catch((err: unknown) => log.error({ event: 'discovery.ended', aiService: service, err }));

  return {
    list: () => [...pods.values()],
    close() {
      stopped.abort();
      client.close();
    },
  };
};
