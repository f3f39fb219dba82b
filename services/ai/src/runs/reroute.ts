import type { OwnedRun, RunLog, StoredMessage } from '@runnel/coordination';
import { RunnelError } from '@runnel/protocol';
import { isForAllOf, MODEL_INPUTS, type ModelInput } from '@runnel/protocol/http';
import { mayFallBack } from '../models/model-error.ts';
import type { Model, ModelRegistry } from '../models/registry.ts';
import { readRequest, trimmedOf } from '../run/asked.ts';
import type { Claim } from '../run/run-job.ts';
import { untilAnswered, type RetryOptions } from './retry.ts';

/** What a model has to take to answer this request of an API: its parameters, and what its thread is made of; null: it cannot be read. Pure. */
const needsOf = (json: string): string[] | null => {
  const request = readRequest(json);
  if (request instanceof RunnelError) return null;
  const { params = {}, thread } = request;
  const turns = thread?.turns ?? [];
  const kinds = new Set(turns.flatMap(({ content }) => (Array.isArray(content) ? content.map(({ type }) => type) : [])));
  const has: Readonly<Record<ModelInput, boolean>> = {
    image_url: kinds.has('image_url'),
    file: kinds.has('file'),
    input_audio: kinds.has('input_audio'),
    turn_files: turns.some(({ files = [] }) => files.length > 0),
    tool_results: turns.some(({ role, tool_calls }) => role === 'tool' || tool_calls !== undefined),
    prefill: turns.at(-1)?.role === 'assistant',
  };
  const named = Object.entries(params).flatMap(([name, value]) => (value === null || value === undefined ? [] : [name]));
  return [...named, ...MODEL_INPUTS.filter((input) => has[input])];
};

const takes = (other: Model, needs: readonly string[]): boolean => needs.every((name) => other.info.accepts?.includes(name));

const hasPictures = (messages: readonly StoredMessage[]): boolean =>
  messages.some(({ parts = [] }) => parts.some(({ kind, mediaType }) => kind === 'file' && mediaType?.startsWith('image/')));

/**
 * The models that may answer in the place of the one a run has: what is left of the list of the model that was asked for. A pod that takes
 * over goes on behind the place where the one before was, so that each is tried once. Pure.
 */
export const nextModels = (
  models: Pick<ModelRegistry, 'get'>,
  claim: Pick<Claim, 'run' | 'requestedModel' | 'request' | 'messages'>,
): Model[] => {
  const { run, requestedModel = run.model, request, messages } = claim;
  const asked = models.get(requestedModel);
  if (!asked) return [];
  const rest = asked.fallback.slice(requestedModel === run.model ? 0 : asked.fallback.indexOf(run.model) + 1);
  const needs = request === undefined ? [] : (needsOf(request) ?? asked.info.accepts ?? []);
  const fits = (other: Model | undefined): other is Model =>
    other !== undefined &&
    !other.suspended &&
    // Who asks is not known here any more: a model of some people's answers for one that more may ask to nobody.
    isForAllOf(asked.info.access, other.info.access) &&
    takes(other, needs) &&
    (other.info.vision === true || !hasPictures(messages));
  return rest.map((id) => models.get(id)).filter(fits);
};

export interface RerouteMeans {
  runLog: Pick<RunLog, 'switchModel'>;
  models: Pick<ModelRegistry, 'get'>;
  /** A place in it for this run; false: it is full. */
  take(id: string): Promise<boolean>;
  /** How it waits for a store that is away. */
  retry: RetryOptions;
}

const firstFree = async (models: readonly Model[], take: RerouteMeans['take']): Promise<Model | null> => {
  for (const model of models) if (await take(model.info.id)) return model;
  return null;
};

/** The same claim with the next model, once the log says so; null: the failure stands. */
export const reroute = async (
  { runLog, models, take, retry }: RerouteMeans,
  claim: Claim,
  owned: OwnedRun,
  error: RunnelError,
): Promise<Claim | null> => {
  const next = mayFallBack(error) ? await firstFree(nextModels(models, claim), take) : null;
  if (next === null) return null;
  const trimmed = trimmedOf(claim, next) ?? undefined;
  const { outcome } = await untilAnswered(() => runLog.switchModel({ ...owned, model: next.info.id, trimmed }), retry);
  if (outcome !== 'switched' && outcome !== 'duplicate') return null;
  return { ...claim, run: { ...claim.run, model: next.info.id }, requestedModel: claim.requestedModel ?? claim.run.model };
};
