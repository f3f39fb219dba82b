import { onScopeDispose, ref, type Ref } from 'vue';

const SHOWN_MS = 2_000;

/** Pages without HTTPS have no clipboard API; selecting a field and copying it still works there. */
const copyBySelection = (text: string): boolean => {
  const field = document.createElement('textarea');
  field.value = text;
  field.setAttribute('readonly', '');
  field.className = 'visually-hidden';
  document.body.append(field);
  field.select();
  try {
    return document.execCommand('copy');
  } finally {
    field.remove();
  }
};

export const copyText = async (text: string): Promise<boolean> => {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
};

/** Copies, and says for two seconds that it did. */
export const useCopy = (): { copied: Ref<boolean>; copy: (text: string) => Promise<void> } => {
  const copied = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  onScopeDispose(() => clearTimeout(timer));
  const copy = async (text: string): Promise<void> => {
    copied.value = await copyText(text);
    clearTimeout(timer);
    timer = setTimeout(() => (copied.value = false), SHOWN_MS);
  };
  return { copied, copy };
};
