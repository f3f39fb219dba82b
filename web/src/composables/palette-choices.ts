import { computed, type ComputedRef } from 'vue';
import { useI18n } from 'vue-i18n';
import { CHORDS } from '../lib/chords.ts';
import type { Choice } from '../lib/session/palette.ts';
import { useConversations } from '../stores/conversations.ts';
import { useMe } from '../stores/me.ts';
import { useModels } from '../stores/models.ts';
import { useOverlays } from '../stores/overlays.ts';
import { useOwn } from '../stores/own.ts';
import { useRoute } from '../stores/route.ts';
import { useSearch } from '../stores/search.ts';
import { useSelection } from '../stores/selection.ts';
import { THEMES, useSettings } from '../stores/settings.ts';

export type DoChoice = Choice & { run: () => void };

/** All that can be done from the palette now. */
export const usePaletteChoices = (query: () => string): ComputedRef<readonly DoChoice[]> => {
  const { t } = useI18n();
  const conversations = useConversations();
  const me = useMe();
  const models = useModels();
  const overlays = useOverlays();
  const own = useOwn();
  const route = useRoute();
  const search = useSearch();
  const selection = useSelection();
  const settings = useSettings();

  const command = (id: string, title: string, run: () => void, keys?: string): DoChoice => ({
    ...{ id, kind: 'command', title, run },
    ...(keys !== undefined && { keys }),
  });
  const find = (words: string): void => {
    search.text = words;
    settings.sidebar = true;
    overlays.wantsSearch++;
  };
  return computed(() => {
    const words = query().trim();
    return [
      ...(me.archive && words !== '' ? [command('search', t('palette.search', { words }), () => find(words))] : []),
      command('new', t('sidebar.new'), () => route.go(null), CHORDS.new),
      ...conversations.items.map((item): DoChoice => ({
        ...{ id: item.conversationId, kind: 'conversation', title: item.title || t('sidebar.untitled') },
        run: () => route.go(item.conversationId),
      })),
      ...models.models.map((model): DoChoice => ({
        ...{ id: `model ${model.id}`, kind: 'model', title: t('palette.model', { name: model.name }) },
        run: () => void (settings.model = model.id),
      })),
      ...THEMES.map((theme) =>
        command(`theme ${theme}`, `${t('settings.theme')}: ${t(`settings.${theme}`)}`, () => void (settings.theme = theme)),
      ),
      ...(me.archive ? [command('audit', t('audit.title'), () => route.open({ page: 'audit' }))] : []),
      ...(me.userId ? [command('account', t('account.open'), () => void (overlays.open = 'account'))] : []),
      command('settings', t('choices.title'), () => void (overlays.open = 'settings')),
      ...(own.offered ? [command('prompts', t('prompts.title'), () => void (overlays.open = 'prompts'))] : []),
      command('select', t('choose.begin'), () => ((settings.sidebar = true), selection.begin())),
      command('keys', t('keys.title'), () => void (overlays.open = 'keys'), '?'),
    ];
  });
};
