import { ConfigError, watchFile, type Health, type Logger } from '@runnel/kit';
import type { AiMetrics } from '../../metrics.ts';
import type { LiveRegistry } from './live-registry.ts';
import { readModels } from './read-models.ts';
import type { Model } from '../registry.ts';

export interface FollowModelsDeps {
  file: string;
  /** What it said at the start. */
  text: string | undefined;
  models: LiveRegistry;
  uses: (model: Model) => boolean;
  metrics: Pick<AiMetrics, 'known' | 'modelsFile'>;
  health: Health;
  log: Logger;
  everyMs?: number;
}

/** Keeps the models as the file says. One that is wrong, or away, changes nothing: the mistake is told in log, metric and readiness, which stays. */
export const followModels = ({ file, text, models, uses, metrics, health, log, everyMs }: FollowModelsDeps) => {
  let problems: readonly string[] = [];
  /** What was refused may become right without another word: a key file that it names comes a moment later. */
  let refused: string | undefined;
  const refuse = (found: readonly string[], outcome: 'refused' | 'unreadable'): void => {
    problems = found;
    metrics.modelsFile(outcome);
    log.warn({ event: 'models.refused', file, problems: found });
  };
  const apply = (next: string, { again = false } = {}): void => {
    try {
      const entries = readModels(next);
      models.replace(entries);
      problems = [];
      refused = undefined;
      metrics.known(entries);
      metrics.modelsFile('applied');
      log.info({ event: 'models.changed', file, models: entries.map(({ id }) => id) });
    } catch (error) {
      const found = error instanceof ConfigError ? error.problems : [String(error)];
      refused = next;
      if (again) problems = found;
      else refuse(found, 'refused');
    }
  };
  health.register(
    'models',
    () => {
      if (problems.length > 0) throw new Error(problems.join('; '));
    },
    { critical: false },
  );
  metrics.modelsFile('applied');
  const watched = watchFile({
    path: file,
    text,
    onText: (next) => apply(next),
    onError({ message }) {
      refused = undefined;
      refuse([message], 'unreadable');
    },
    ...(everyMs && { everyMs }),
  });
  const tick = (): void => {
    models.retire(uses);
    if (refused !== undefined) apply(refused, { again: true });
  };
  const timer = setInterval(tick, 1_000);
  timer.unref();
  return {
    /** What is wrong with the file now. */
    problems: (): readonly string[] => problems,
    async look(): Promise<void> {
      await watched.look();
      tick();
    },
    close(): void {
      watched.close();
      clearInterval(timer);
    },
  };
};
