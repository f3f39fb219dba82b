import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ModelAccess, PodModel } from '@runnel/protocol/http';
import type { AiPods } from './ai-pods.ts';
import { createModelCatalogue, isFor, mergeModels } from './model-catalogue.ts';

const model = (id: string, access?: ModelAccess): PodModel => ({
  id,
  name: id,
  provider: 'demo',
  canContinue: true,
  ...(access && { access }),
});
const catalogueOf = async (models: PodModel[]) => {
  const pod = { url: 'http://a', open: false, load: 0, offer: async () => 'failed' as const, models: async () => models };
  const catalogue = createModelCatalogue({ list: () => [pod], close: () => undefined } satisfies AiPods);
  await catalogue.list({});
  return catalogue;
};
const staff = { groups: ['staff'] };

test('a model of some people is hidden from others, who are told nothing of whose it is, and refused forbidden', async () => {
  const models = await catalogueOf([model('secret', { groups: ['staff'], scopes: ['beta'] }), model('open')]);
  expect((await models.list({})).map(({ id }) => id)).toEqual(['open']);
  for (const who of [staff, { scopes: ['chat', 'beta'] }, { groups: ['x', 'staff'] }])
    expect((await models.list(who)).map(({ id }) => id)).toEqual(['secret', 'open']);
  expect(JSON.stringify(await models.list(staff))).not.toMatch(/access|beta/);
  await expect(models.resolve('secret', {})).rejects.toMatchObject({ code: 'forbidden' });
  await expect(models.resolve('secret', { groups: ['beta'] })).rejects.toMatchObject({ code: 'forbidden' });
  expect(await models.resolve('secret', staff)).toBe('secret');
  await expect(models.resolve('nowhere', {})).rejects.toMatchObject({ code: 'model-unknown' });
  models.close();
});

test('the default is one of theirs; where nothing is theirs they are refused', async () => {
  const models = await catalogueOf([{ ...model('best', staff), default: true }, model('open')]);
  expect([await models.resolve(undefined, staff), await models.resolve(undefined, {})]).toEqual(['best', 'open']);
  models.close();
  const none = await catalogueOf([model('best', staff)]);
  await expect(none.resolve(undefined, {})).rejects.toMatchObject({ code: 'forbidden' });
  expect(await none.list({})).toEqual([]);
  none.close();
});

test('while pods differ the restriction counts', () => {
  for (const lists of [
    [[model('a', staff)], [model('a')]],
    [[model('a')], [model('a', staff)]],
  ])
    expect(mergeModels(lists)[0]!.access).toEqual(staff);
});

test('generated people: exactly those with a group or a scope that is named', () => {
  const words = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 3 });
  fc.assert(
    fc.property(words, words, words, words, (groups, scopes, theirGroups, theirScopes) => {
      const shares = (one: string[], other: string[]) => one.some((word) => other.includes(word));
      expect(isFor({ access: { groups, scopes } }, { groups: theirGroups, scopes: theirScopes })).toBe(
        shares(groups, theirGroups) || shares(scopes, theirScopes),
      );
      expect(isFor({}, { groups: theirGroups })).toBe(true);
      expect(isFor({ access: {} }, { groups: theirGroups, scopes: theirScopes })).toBe(false);
    }),
  );
});
