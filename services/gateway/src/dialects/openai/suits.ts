import type { ModelInfo, ModelInput, ModelParams } from '@runnel/protocol/http';
import { refuse } from './api-error.ts';

/**
 * Refuses what the model's provider would never be told. A catalogue that knows nothing of the model (no pod has answered yet) refuses
 * nothing: the run waits for a pod, and the pod's own model has the last word.
 *
 * @throws ApiError that names the parameter
 */
export const checkSuits = (
  model: ModelInfo | undefined,
  params: ModelParams,
  needs: readonly { input: ModelInput; param: string }[],
  /** What the caller called a parameter of the model's, where it has another name. */
  nameOf: (name: string) => string = (name) => name,
): void => {
  if (!model) return;
  const accepts = new Set(model.accepts ?? []);
  for (const name of Object.keys(params))
    if (!accepts.has(name)) refuse(nameOf(name), `the model ${model.id} does not take this parameter.`, 'unsupported_parameter');
  for (const { input, param } of needs)
    if (!accepts.has(input)) refuse(param, `the model ${model.id} does not take ${WORDS[input]}.`, 'unsupported_value');
};

const WORDS: Record<ModelInput, string> = {
  image_url: 'images',
  file: 'files',
  turn_files: 'files in a thread of its caller’s',
  input_audio: 'audio',
  tool_results: 'calls of tools and their results',
  prefill: 'the beginning of an answer',
};
