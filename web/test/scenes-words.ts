import type { Message } from '@runnel/protocol';
import { chain, liveConnection, message, type FakeClient } from './fake-client.ts';

type Open = (client: FakeClient, messages: Message[], text?: string, title?: string) => string;

const DIAGRAM = `The water goes one of two ways:

\`\`\`mermaid
flowchart LR
  Spring[A spring] --> Bend{A bend?}
  Bend -->|outside| Fast([Cuts the bank])
  Bend -->|inside| Slow([Drops its sand])
  Fast --> River
  Slow --> River[(The river)]
\`\`\`

And its energy is \\(E = \\frac{1}{2}mv^2\\), so twice as fast is four times as strong.`;

const ARABIC = `لأن الخط المستقيم **غير ثابت**. أصغر نتوء يبدأ الانعطاف:

1. الماء عند الجانب الخارجي أسرع، فينحت الضفة.
2. وعند الجانب الداخلي أبطأ، فيترك الرمل.

| الضفة | السرعة |
| --- | --- |
| الخارجية | 1.4 م/ث |
| الداخلية | 0.5 م/ث |

\`\`\`ts
const speed = 1.4; // m/s
\`\`\``;

/** States that are about words: other directions, pictures, and the moment before there are any. */
export const wordScenes = (open: Open): Record<string, (client: FakeClient) => string | null> => ({
  diagram: (client) =>
    open(client, chain([message('user', 'Draw how a river bends'), message('assistant', DIAGRAM)]), undefined, 'Draw how a river bends'),
  rtl: (client) =>
    open(
      client,
      chain([message('user', 'لماذا لا يجري النهر مستقيماً أبداً؟'), message('assistant', ARABIC)]),
      undefined,
      'لماذا لا يجري النهر مستقيماً أبداً؟',
    ),
  connecting: (client) => {
    const id = open(client, chain([message('user', 'One'), message('assistant', 'Two')]));
    client.connection.set({ ...liveConnection(), status: 'connecting', node: null });
    return id;
  },
});
