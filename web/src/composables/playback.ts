import { onScopeDispose, ref, type Ref } from 'vue';

export const SPEEDS = ['0.5', '1', '2', '4', '16'] as const;
export type Speed = (typeof SPEEDS)[number];

export interface Playback {
  /** Where the player stands, in the time of the original, ms. May be set: that is scrubbing. */
  at: Ref<number>;
  playing: Ref<boolean>;
  speed: Ref<Speed>;
  /** From the beginning when it stands at its end. */
  toggle(): void;
  start(): void;
}

/** A clock that runs, stops, and can be turned; drawn frame by frame. */
export const usePlayback = (length: () => number): Playback => {
  const at = ref(0);
  const playing = ref(false);
  const speed = ref<Speed>('1');
  let frame = 0;
  let before = 0;

  const step = (now: number): void => {
    // A tab in the background draws no frames; coming back must not jump to the end.
    at.value = Math.min(length(), at.value + Math.min(now - before, 250) * Number(speed.value));
    before = now;
    if (at.value >= length()) playing.value = false;
    else if (playing.value) frame = requestAnimationFrame(step);
  };
  const start = (): void => {
    if (at.value >= length()) at.value = 0;
    playing.value = true;
    before = performance.now();
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(step);
  };
  const toggle = (): void => {
    if (!playing.value) return start();
    playing.value = false;
    cancelAnimationFrame(frame);
  };
  onScopeDispose(() => cancelAnimationFrame(frame));
  return { at, playing, speed, toggle, start };
};
