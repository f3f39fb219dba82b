const IS_MAC = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** Keys pressed together, as this device writes them. */
export const CHORDS = {
  palette: IS_MAC ? '⌘ K' : 'Ctrl K',
  new: IS_MAC ? '⌘ ⇧ O' : 'Ctrl Shift O',
  send: IS_MAC ? '⌘ Enter' : 'Ctrl Enter',
} as const;
