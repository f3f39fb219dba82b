import { join } from 'node:path';
import { commonSettings, defineConfig, setting, type LoadedConfig } from '@runnel/kit';
import { configSpec as ai } from '@runnel/ai';
import { keepingRules, keepingSettings } from '@runnel/audit';
import { authRules, configSpec as gateway, fileRules, oidcRules } from '@runnel/gateway';

/** There is no Redis to reach. */
const ofStore = ['redisUrl', 'redisKeyPrefix', 'redisShards', 'redisCaFile', 'redisCertFile', 'redisKeyFile'] as const;
const withoutStore = <S extends object>(settings: S): Omit<S, (typeof ofStore)[number]> =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => !ofStore.includes(name as 'redisUrl'))) as Omit<
    S,
    (typeof ofStore)[number]
  >;

const common = withoutStore(commonSettings);
const { aiServiceUrls: _noPods, auditUrl: _noAudit, ...ofGateway } = withoutStore(gateway.settings);
// Unset means: beside the conversations.
const { default: _shared, defaultText: _sharedText, ...filesUrl } = ofGateway.filesUrl;
const { models, modelsFile, tools, maxSteps, maxRuns, maxAnswerBytes, leaseMs, titleModel, titlesPerMinute } = ai.settings;
// Unset means: what keys and files there are (local-models.ts), not the built-in ones alone.
const { default: _builtIn, ...namedModels } = models;
// Unset means: the demo tools.
const { default: _none, ...namedTools } = tools;

/** What one process that is everything can be told: the services' own settings, less the addresses of each other. */
export const configSpec = defineConfig(
  {
    ...ofGateway,
    ...common,
    filesUrl: { ...filesUrl, optional: true, description: `${filesUrl.description}. Unset: \`files\` under \`DATA_DIR\`` },
    host: setting.string('HOST', {
      default: '127.0.0.1',
      description: 'Address to listen on; others than loopback need AUTH_MODE=jwt, or DEV_MODE_OPEN=yes',
    }),
    authMode: { ...ofGateway.authMode, default: 'dev' as const },
    modelsFile,
    maxSteps,
    titleModel,
    titlesPerMinute,
    ...keepingSettings,
    tools: {
      ...namedTools,
      optional: true,
      description: `${namedTools.description}. Unset: a clock, a calculator, a counter and a notice board to try; \`[]\`: none`,
    },
    maxRuns,
    maxAnswerBytes,
    leaseMs,
    models: {
      ...namedModels,
      optional: true,
      description: `${namedModels.description}. Unset: those your keys and \`npm run model\` bring, and the built-in ones`,
    },
    dataDir: setting.string('DATA_DIR', {
      default: join(import.meta.dirname, '../../../.data'),
      defaultText: '`.data` in the checkout',
      description: 'Where conversations are kept',
    }),
  },
  [...authRules, ...oidcRules, ...fileRules, ...keepingRules],
);

export type StandaloneConfig = LoadedConfig<typeof configSpec>;
