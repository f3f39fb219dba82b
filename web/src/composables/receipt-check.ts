import type { Receipt } from '@runnel/protocol';
import { shallowRef, watch, type Ref } from 'vue';
import { proofOf, type Proof } from '../lib/conversation/receipt.ts';

/** Whether the text on the screen is the one that its receipt speaks of; null while that is not known, or without a receipt. */
export const useReceiptCheck = (text: () => string, receipt: () => Receipt | null): Readonly<Ref<Proof | null>> => {
  const proof = shallowRef<Proof | null>(null);
  watch(
    [text, receipt],
    async ([shown, said], _before, onCleanup) => {
      let isOver = false;
      onCleanup(() => (isOver = true));
      proof.value = null;
      const found = said && (await proofOf(shown, said));
      if (!isOver) proof.value = found;
    },
    { immediate: true },
  );
  return proof;
};
