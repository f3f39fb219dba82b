import { ConfigError, schemaProblems } from '@runnel/kit';
import { ModelEntries, type ModelEntry } from '@runnel/protocol/http';

/**
 * The entries of a models file.
 *
 * @throws ConfigError with each mistake: its path, what stands there and what is allowed
 */
export const readModels = (text: string): ModelEntry[] => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ConfigError(['MODELS_FILE is not valid JSON']);
  }
  const problems = schemaProblems(ModelEntries, value);
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => `MODELS_FILE ${problem}`));
  return value as ModelEntry[];
};
