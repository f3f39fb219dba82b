import type { CauseAlert, Samples } from './lib/cause-alert.ts';

const modelsFile = (wrong: number): Samples => ({ 'runnel_ai_models_file_wrong{service="ai",instance="a:9081"}': `=${wrong}` });

/** The models are not what their file says. */
export const MODELS_FILE_WRONG: CauseAlert = {
  alert: 'ModelsFileWrong',
  severity: 'ticket',
  expr: 'max by (instance) (runnel_ai_models_file_wrong) > 0',
  for: '2m',
  summary: 'The file of the models is wrong or away',
  description:
    'The AI pod goes on with the models it had; what was changed since does not count, and a pod that starts now does not come up.',
  fires: modelsFile(1),
  silent: modelsFile(0),
  labels: { instance: 'a:9081' },
};
