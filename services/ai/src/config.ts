import { readFileSync } from 'node:fs';
import { commonSettings, defineConfig, portSettings, setting, type LoadedConfig } from '@runnel/kit';
import { BUCKET_KEYS, checkFilesUrl, FILES_URL } from '@runnel/files';
import { ANSWER_BYTES } from './run/answer-bytes.ts';
import { ModelEntries } from '@runnel/protocol/http';
import { MAX_STEPS } from './run/write.ts';
import { TITLES_PER_MINUTE } from './titles/titles.ts';
import { ToolEntries } from './tools/tool-entry.ts';
import { DEFAULT_MODELS } from './models/model-config.ts';

export const configSpec = defineConfig({
  ...commonSettings,
  ...portSettings(8081, 9081),
  models: setting.json('MODELS', ModelEntries, {
    default: DEFAULT_MODELS,
    readFile: (path) => readFileSync(path, 'utf8'),
    description: 'The models: a JSON array, or the path of a JSON file that holds one',
  }),
  modelsFile: setting.string('MODELS_FILE', {
    optional: true,
    description: 'A JSON file with the models instead, read again when it changes: nothing is restarted, and a wrong one changes nothing',
  }),
  tools: setting.json('TOOLS', ToolEntries, {
    default: [],
    inFile: true,
    description: 'MCP servers whose tools models may call: a JSON array (docs/tools.md)',
  }),
  maxSteps: setting.integer('MAX_STEPS', {
    default: MAX_STEPS,
    minimum: 1,
    maximum: 100,
    description: 'Requests to the model in one answer; calls that the last of them makes are not carried out',
  }),
  titleModel: setting.string('TITLE_MODEL', {
    optional: true,
    description:
      'The id of a model that gives conversations their titles: it gets the first question and answer of each. Unset: they are called by their first words',
  }),
  titlesPerMinute: setting.integer('TITLES_PER_MINUTE', {
    default: TITLES_PER_MINUTE,
    minimum: 1,
    description: 'Titles that this pod asks TITLE_MODEL for in a minute; more conversations keep their first words',
  }),
  auditUrl: setting.url('AUDIT_URL', {
    optional: true,
    description: 'Base URL of the audit service: an answer that waits for a person is let go of when its database has it, or after 2 s',
  }),
  filesUrl: { ...setting.string('FILES_URL', FILES_URL), parse: checkFilesUrl },
  awsAccessKeyId: setting.string('AWS_ACCESS_KEY_ID', BUCKET_KEYS.accessKeyId),
  awsSecretAccessKey: setting.string('AWS_SECRET_ACCESS_KEY', BUCKET_KEYS.secretAccessKey),
  maxRuns: setting.integer('MAX_RUNS', { default: 1000, minimum: 1, description: 'Answers this pod writes at the same time' }),
  maxAnswerBytes: setting.integer('MAX_ANSWER_BYTES', {
    default: ANSWER_BYTES,
    minimum: 1024,
    description: 'UTF-8 bytes that one answer may grow to; a model that goes on is stopped there, and the answer ends with finish `length`',
  }),
  leaseMs: setting.duration('LEASE_MS', {
    default: 3000,
    minimum: 100,
    description: 'After how long without a renewal another pod may take a run',
  }),
  orphanMs: setting.duration('MODEL_GONE_SECONDS', {
    default: 60_000,
    description: 'A waiting answer fails with model-unknown once no pod had its model for so long; 0: it waits for ever',
  }),
  drainMs: setting.duration('DRAIN_SECONDS', {
    default: 20_000,
    description: 'How long a stopping pod waits for answers that no other pod could continue; the others are handed over at once',
  }),
});

export type AiConfig = LoadedConfig<typeof configSpec>;
