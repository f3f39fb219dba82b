import { fullJitter, watchFile, withDeadline } from '@runnel/kit';
import { RunnelError } from '@runnel/protocol';
import type { ModelInfo, PodModel } from '@runnel/protocol/http';
import { DEFAULT_MODEL } from '@runnel/coordination';
import type { Membership } from '../auth/identity.ts';
import type { AiPods } from './ai-pods.ts';

export interface ModelCatalogue {
  /** What this person can name; empty while no AI pod has ever answered. */
  list(who: Membership): Promise<readonly ModelInfo[]>;
  /** The name to store for a run; throws `model-unknown`, and `forbidden` for one that is not this person's. Undefined: the default. */
  resolve(model: string | undefined, who: Membership): Promise<string>;
  /** What is known of it now. */
  find(model: string): ModelInfo | undefined;
  close(): void;
}

const REFRESH_MS = 15_000;
/** A pod looks at its file each second, and twice before it believes it. */
const PODS_READ_MS = 3_000;
/** A name nobody knows, or an empty catalogue, is looked up again, but not for every prompt of an outage. */
const HURRIED_REFRESH_MS = 1000;
/** Of a gateway that knows no model: it asks again within this time, and each time within twice as long. */
const EMPTY_REFRESH_MS = 200;
/** Nobody waits longer for pods that hang: the run is queued anyhow. */
const PATIENCE_MS = 300;

export interface ModelCatalogueOptions {
  refreshMs?: number;
  now?: () => number;
  /** What the pods read their models from: when it changes they are asked at once, and once more when all of them have read it. */
  file?: string | undefined;
}

/** `down` is what all of them say: another pod may reach it. */
const both = ({ down, access = undefined, ...known }: PodModel, other: PodModel): PodModel => ({
  ...known,
  ...(down && other.down && { down }),
  // While a change is on its way a model that one pod knows to be some people's is nobody else's.
  ...((access ?? other.access) && { access: (access ?? other.access)! }),
  ...(known.accepts && { accepts: known.accepts.filter((name) => other.accepts?.includes(name)) }),
});

/**
 * The models of all pods, in the order of the first pod that has them. Pods of two releases may differ: what a model accepts is what each
 * of them knows, since any of them may take the run.
 */
export const mergeModels = (lists: readonly (readonly PodModel[])[]): PodModel[] => {
  const byId = new Map<string, PodModel>();
  for (const model of lists.flat()) {
    const known = byId.get(model.id);
    if (known) byId.set(model.id, both(known, model));
    else byId.set(model.id, model);
  }
  return [...byId.values()];
};

/** Whether a model is for this person. Pure. */
export const isFor = ({ access }: Pick<PodModel, 'access'>, { groups = [], scopes = [] }: Membership): boolean =>
  access === undefined ||
  !!access.groups?.some((group) => groups.includes(group)) ||
  !!access.scopes?.some((scope) => scopes.includes(scope));

/** Which name a run is stored with; null: not in the catalogue. Pure. */
export const chooseModel = (catalogue: readonly ModelInfo[], wanted: string | undefined): string | null => {
  if (catalogue.length === 0) return wanted ?? DEFAULT_MODEL;
  if (wanted !== undefined && wanted !== DEFAULT_MODEL) return catalogue.some((model) => model.id === wanted) ? wanted : null;
  return (catalogue.find((model) => model.default) ?? catalogue[0]!).id;
};

/** The catalogue of the AI pods, kept; what was known stays known while no pod answers, so a prompt can still be queued. */
export const createModelCatalogue = (pods: AiPods, options: ModelCatalogueOptions = {}): ModelCatalogue => {
  const { refreshMs = REFRESH_MS, now = () => performance.now(), file } = options;
  let catalogue: readonly PodModel[] = [];
  let askedAt = -Infinity;
  let asking: Promise<void> | undefined;
  let again: NodeJS.Timeout | undefined;
  let emptyAnswers = 0;
  let closed = false;

  /** Pods that start with the gateway are not up when it first asks; a page opened meanwhile would have no model to choose for 15 s. */
  const askAgain = (): void => {
    clearTimeout(again);
    again = setTimeout(() => void refresh(), fullJitter({ attempt: emptyAnswers++, baseMs: EMPTY_REFRESH_MS, maxMs: refreshMs }));
    again.unref();
  };
  const ask = async (): Promise<void> => {
    askedAt = now();
    const answers = await Promise.allSettled(pods.list().map((pod) => pod.models()));
    const merged = mergeModels(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])));
    if (merged.length > 0) catalogue = merged;
    else if (catalogue.length === 0 && !closed) askAgain();
  };
  const refresh = (): Promise<void> => (asking ??= ask().finally(() => (asking = undefined)));
  const refreshUnless = async (youngerMs: number): Promise<void> => {
    if (asking !== undefined || now() - askedAt >= youngerMs) await withDeadline(refresh(), PATIENCE_MS, () => undefined);
  };

  const timer = setInterval(() => void refresh(), refreshMs);
  timer.unref();
  void refresh();
  const onText = (): void => {
    void refresh();
    setTimeout(() => void refresh(), PODS_READ_MS).unref();
  };
  const watched = file === undefined ? null : watchFile({ path: file, onText });

  const chosen = (model: string | undefined, who: Membership): string | null => {
    const theirs = catalogue.filter((one) => isFor(one, who));
    // An empty catalogue is one that is not known yet; one with nothing for them is known.
    const found = catalogue.length > 0 && theirs.length === 0 ? null : chooseModel(theirs, model);
    if (found === null && (theirs.length === 0 || catalogue.some(({ id }) => id === model)))
      throw new RunnelError('forbidden', 'This model is not for you.');
    return found;
  };

  return {
    async list(who) {
      if (catalogue.length === 0) await refreshUnless(HURRIED_REFRESH_MS);
      return catalogue.filter((model) => isFor(model, who)).map(({ access: _access, ...model }) => model);
    },
    async resolve(model, who) {
      if (catalogue.length === 0) await refreshUnless(HURRIED_REFRESH_MS);
      const known = chosen(model, who);
      if (known !== null) return known;
      await refreshUnless(HURRIED_REFRESH_MS);
      const found = chosen(model, who);
      if (found === null) throw new RunnelError('model-unknown');
      return found;
    },
    find: (model) => catalogue.find(({ id }) => id === model),
    close() {
      closed = true;
      clearInterval(timer);
      clearTimeout(again);
      watched?.close();
    },
  };
};
