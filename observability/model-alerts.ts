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

const unanswerable = (count: number): Samples => ({
  'runnel_ai_unanswerable_total{service="ai",why="tried"}': count,
  'runnel_ai_unanswerable_total{service="ai",why="unreadable"}': 0,
});

/** Answers that no model was asked for. */
export const RUNS_UNANSWERABLE: CauseAlert = {
  alert: 'RunsUnanswerable',
  severity: 'ticket',
  expr: 'sum by (why) (increase(runnel_ai_unanswerable_total[10m])) > 0.5',
  for: '1m',
  summary: 'Prompts end failed without a model having been asked',
  description:
    'unreadable: the question is not in Redis as it was said. tried: ten pods fell silent over one run. model-unknown: no pod has had the model for a minute.',
  fires: unanswerable(0.2),
  silent: unanswerable(0),
  labels: { why: 'tried' },
};

const toolLists = (listed: number, failed: number): Samples => ({
  'runnel_ai_tool_lists_total{service="ai",server="shop",outcome="listed"}': listed,
  'runnel_ai_tool_lists_total{service="ai",server="shop",outcome="failed"}': failed,
});

/** Models do without the tools of a server. */
export const TOOL_SERVER_AWAY: CauseAlert = {
  alert: 'ToolServerAway',
  severity: 'ticket',
  expr: 'sum by (server) (increase(runnel_ai_tool_lists_total{outcome="failed"}[10m])) > 3 unless sum by (server) (increase(runnel_ai_tool_lists_total{outcome="listed"}[10m])) > 0.5',
  for: '2m',
  summary: 'A server of tools does not list them',
  description: 'No AI pod has got the list of this server for ten minutes: its tools are not offered, and models do without.',
  fires: toolLists(0, 1),
  silent: toolLists(1, 1),
  labels: { server: 'shop' },
};

const replaced = (count: number): Samples => ({
  'runnel_ai_fallbacks_total{service="ai",model="large",to="small"}': count,
  'runnel_ai_run_end_total{service="ai",model="large",reason="complete"}': 60,
  'runnel_ai_run_end_total{service="ai",model="large",reason="rerouted"}': count,
});

/** People get answers, of another model than they asked for. */
export const MODEL_REPLACED: CauseAlert = {
  alert: 'ModelReplaced',
  severity: 'ticket',
  expr: 'sum by (model) (rate(runnel_ai_run_end_total{reason="rerouted"}[15m])) / sum by (model) (rate(runnel_ai_run_end_total{reason=~"complete|failed|rerouted"}[15m])) > 0.05 and round(sum by (model) (increase(runnel_ai_run_end_total{reason="rerouted"}[15m]))) >= 3',
  for: '10m',
  summary: 'Another model answers in the place of one that fails',
  description: 'More than 5 % of the answers that a model was asked for, and three at least, were given by one of its fallback list.',
  fires: replaced(10),
  silent: replaced(1),
  labels: { model: 'large' },
};

const ejections = (count: number): Samples => ({
  'runnel_ai_endpoint_requests_total{service="ai",model="large",endpoint="llm-b",outcome="ejected"}': count,
});

/** A model has less room than its endpoints promise; people notice when the others are full, or gone, too. */
export const ENDPOINT_RESTS: CauseAlert = {
  alert: 'EndpointRests',
  severity: 'ticket',
  expr: 'round(sum by (model, endpoint) (increase(runnel_ai_endpoint_requests_total{outcome="ejected"}[15m]))) >= 3',
  for: '5m',
  summary: 'An endpoint of a model fails again and again',
  description: 'It was sent to rest three times within a quarter of an hour; its share goes to the other endpoints of the model.',
  fires: ejections(1),
  silent: ejections(0),
  labels: { model: 'large', endpoint: 'llm-b' },
};
