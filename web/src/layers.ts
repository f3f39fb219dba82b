import type { InjectionKey } from 'vue';

/** Where menus go: a dialog hides what is beside it from screen readers, so one that has menus has a place of its own for them. */
export const layersKey: InjectionKey<string> = Symbol('layers');
export const LAYERS = '#layers';
