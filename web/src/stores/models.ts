import type { ModelInfo } from '@runnel/client';
import { useClient } from '@runnel/vue';
import { defineStore } from 'pinia';
import { computed, ref, shallowRef } from 'vue';
import { useSettings } from './settings.ts';

/** The models that can be named. A remembered one that is gone is forgotten, so that prompts are not refused for it. */
export const useModels = defineStore('models', () => {
  const client = useClient();
  const settings = useSettings();
  const models = shallowRef<readonly ModelInfo[]>([]);
  const failed = ref(false);

  const load = async (): Promise<void> => {
    try {
      models.value = await client.models();
      failed.value = false;
      if (models.value.length > 0 && !models.value.some((model) => model.id === settings.model)) settings.model = null;
    } catch {
      failed.value = true;
    }
  };

  const nameOf = (id: string | null): string | null => models.value.find((model) => model.id === id)?.name ?? id;
  const standard = computed(() => models.value.find((model) => model.default) ?? models.value[0] ?? null);

  return { models, failed, load, nameOf, standard };
});
