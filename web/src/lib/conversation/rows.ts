import type { Entry } from './entries.ts';
import type { Step as StepOf } from './tree.ts';

type Step = StepOf<Entry>;

/** A row of the list of messages: one that is drawn, or some far from the window that rest as their text, as tall as they were drawn. */
export type MessageRow =
  | { kind: 'awake'; step: Step }
  | {
      kind: 'resting';
      key: string;
      ids: readonly string[];
      roles: readonly ('user' | 'assistant')[];
      texts: readonly string[];
      height: number;
    };

/** So many rest in one row: two nodes instead of a thousand. */
const TOGETHER = 20;

const LINE_PX = 28;
const LINE_CHARS = 75;
const REST_PX = 70;
/** How tall a message is that was never drawn, about. */
export const guessHeight = (text: string): number => {
  let lines = 0;
  for (let at = 0; at <= text.length; lines++) {
    const end = text.indexOf('\n', at);
    const length = (end < 0 ? text.length : end) - at;
    lines += Math.floor(length / LINE_CHARS);
    at += length + 1;
  }
  return REST_PX + lines * LINE_PX;
};

/** @param heights px, by message, of those that were drawn */
export const messageRows = (
  steps: readonly Step[],
  isAwake: (messageId: string, fromEnd: number) => boolean,
  heights: ReadonlyMap<string, number>,
): MessageRow[] => {
  const rows: MessageRow[] = [];
  let resting: Step[] = [];
  const rest = (): void => {
    for (let at = 0; at < resting.length; at += TOGETHER) {
      const nodes = resting.slice(at, at + TOGETHER).map(({ node }) => node);
      rows.push({
        kind: 'resting',
        key: `rest-${nodes[0]!.messageId}`,
        ids: nodes.map(({ messageId }) => messageId),
        roles: nodes.map(({ role }) => (role === 'user' ? 'user' : 'assistant')),
        texts: nodes.map(({ text }) => text),
        height: nodes.reduce((sum, { messageId, text }) => sum + (heights.get(messageId) ?? guessHeight(text)), 0),
      });
    }
    resting = [];
  };
  for (const [i, step] of steps.entries()) {
    if (isAwake(step.node.messageId, steps.length - i)) {
      rest();
      rows.push({ kind: 'awake', step });
    } else resting.push(step);
  }
  rest();
  return rows;
};
