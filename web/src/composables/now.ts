import { onScopeDispose, ref, watch, type Ref } from 'vue';

/** The time, ticking only while somebody needs it. */
export const useNow = (active: () => boolean, everyMs: number): Readonly<Ref<number>> => {
  const now = ref(Date.now());
  let timer: ReturnType<typeof setInterval> | undefined;
  const tick = (): void => {
    now.value = Date.now();
    if (!active()) clearInterval(timer);
  };
  watch(
    active,
    (on) => {
      clearInterval(timer);
      now.value = Date.now();
      if (on) timer = setInterval(tick, everyMs);
    },
    { immediate: true },
  );
  onScopeDispose(() => clearInterval(timer));
  return now;
};
