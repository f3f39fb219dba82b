import type { Part } from '@runnel/protocol';
import { ref, type Ref } from 'vue';
import { useChat } from '../stores/chat.ts';
import { useNotices } from '../stores/notices.ts';

export type Decision = 'approve' | 'deny' | 'answer' | 'retry' | 'skip';

/** Decides what an answer waits for. What is approved is the part as it is drawn: another input on the server is `stale`. */
export const useDecide = (): {
  busy: Ref<boolean>;
  /** What came of it where it was not simply decided. */
  outcome: Ref<'already-decided' | 'stale' | null>;
  decide(part: Part, decision: Decision, text?: string): Promise<boolean>;
} => {
  const chat = useChat();
  const notices = useNotices();
  const busy = ref(false);
  const outcome = ref<'already-decided' | 'stale' | null>(null);
  const decide = async (part: Part, decision: Decision, text?: string): Promise<boolean> => {
    if (busy.value) return false;
    busy.value = true;
    outcome.value = null;
    const done = await notices.attempt(async () => {
      const now = await chat.handle?.decide(part, decision, text);
      outcome.value = now === 'already-decided' || now === 'stale' ? now : null;
    });
    busy.value = false;
    return done && outcome.value === null;
  };
  return { busy, outcome, decide };
};
