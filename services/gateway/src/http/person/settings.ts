import { Type } from 'typebox';
import type { PersonRecord } from '@runnel/coordination';
import { parseBody, Settings, SettingsPatch } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { callerOf } from '../plumbing/caller.ts';
import { json, PROBLEMS, UserQuery, type Routes } from '../plumbing/schemas.ts';

const tags = ['Settings'];
const querystring = Type.Object(UserQuery);
/** All choices are one record. */
const NAME = 'settings';

/** A value of a later release, or of nobody's, is as if it had not been chosen. */
const settingsOf = (record: Pick<PersonRecord, 'fields'> | undefined): Settings => {
  const known: Record<string, string> = {};
  for (const [field, value] of Object.entries(record?.fields ?? {})) {
    try {
      Object.assign(known, parseBody(Settings, Object.hasOwn(Settings.properties, field) ? { [field]: value } : {}));
    } catch {
      continue;
    }
  }
  return known as Settings;
};

export const settingRoutes = (app: Routes, { auth, budgets, records }: GatewayContext): void => {
  app.get(
    '/api/settings',
    {
      schema: {
        tags,
        operationId: 'readSettings',
        summary: 'The caller’s choices',
        querystring,
        response: { 200: json('Choices', Settings), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      reply.header('cache-control', 'private, no-store');
      const [record] = await budgets.reading(userId, reply.raw, () => records.read(userId, 'setting', [NAME]));
      return settingsOf(record);
    },
  );

  app.patch(
    '/api/settings',
    {
      schema: {
        tags,
        operationId: 'changeSettings',
        summary: 'Change some choices: null takes one back',
        querystring,
        body: SettingsPatch,
        response: { 200: json('All choices', Settings), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { userId } = await callerOf(auth, request, reply);
      await budgets.admission.write(userId, Buffer.byteLength(JSON.stringify(request.body)));
      return settingsOf(await records.put(userId, 'setting', NAME, request.body));
    },
  );
};
