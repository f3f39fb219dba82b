/** What the demo model says: pure text of the prompt, so that any pod writes the same. */

export type Language = 'vi' | 'en';
type Topic = 'greeting' | 'thanks' | 'code' | 'other';

/** Letters that no other language of the Latin script shares: ă đ ơ ư, a hook, a dot below, two marks on one letter. */
const VIETNAMESE_LETTERS = /[ăđơưạảằẳẵắặầẩẫấậẻẽẹềểễếệỉĩịỏọồổỗốộờởỡớợủũụừửữứựỳỷỹỵ]/iu;
/** Without marks, as many people type. */
const VIETNAMESE_WORDS = /\b(xin chao|chao|cam on|la gi|khong|nhu the nao|giup|tieng viet|viet cho|cho toi|ban co|hay ke)\b/i;

export const languageOf = (prompt: string): Language =>
  VIETNAMESE_LETTERS.test(prompt.normalize('NFC')) || VIETNAMESE_WORDS.test(withoutMarks(prompt)) ? 'vi' : 'en';

const withoutMarks = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '');

const TOPICS: readonly [Topic, RegExp][] = [
  ['thanks', /\b(thanks|thank you|cheers)\b|cảm ơn|cam on/iu],
  ['code', /\b(code|function|script|javascript|typescript|python|sql|api|bug)\b|hàm|mã nguồn|lập trình|viết mã/iu],
  ['greeting', /^\s*(hi|hello|hey|good (morning|evening)|xin chào|chào|alo)(?![\p{L}])/iu],
];

const topicOf = (prompt: string): Topic => TOPICS.find(([, words]) => words.test(prompt.normalize('NFC')))?.[0] ?? 'other';

/** The whole answer to a prompt; `turn` counts the user's messages in this conversation, from 1; `files`: what there is to say of those. */
export const composeAnswer = (prompt: string, turn: number, files = ''): string => {
  const language = languageOf(prompt);
  const { openings, body, again, closing } = TEXTS[language];
  const topic = topicOf(prompt);
  if (topic === 'thanks' && files === '') return openings.thanks;
  const parts = [
    openings[topic].replace('{prompt}', () => quote(prompt)),
    ...(files === '' ? [] : [files]),
    body[topic === 'thanks' ? 'other' : topic],
    turn > 1 ? again.replace('{turn}', String(turn)) : closing,
  ];
  return parts.join('\n\n');
};

/** The prompt on one line, shortened between characters, without what would be read as markdown. */
export const quote = (prompt: string): string => {
  const letters = [...prompt.replace(/[\s`*_[\]<>#|\\]+/gu, ' ').trim()];
  return letters.length > 80 ? `${letters.slice(0, 79).join('').trimEnd()}…` : letters.join('');
};

/** A prompt with one of these words is thought about aloud. */
export const THINKS = /\b(think|thinking|reason)\b|suy nghĩ|suy nghi/iu;

export const THOUGHTS: Record<Language, string> = {
  en: 'They want me to think first. What is asked, what do I know of it, and what would be a short and honest answer? I have no model behind me, so I say so, and show how thinking looks.',
  vi: 'Người hỏi muốn tôi suy nghĩ trước. Câu hỏi là gì, tôi biết gì về nó, và câu trả lời ngắn gọn, thành thật là gì? Phía sau tôi không có mô hình nào, nên tôi nói rõ điều đó và cho thấy suy nghĩ trông ra sao.',
};

interface Texts {
  openings: Record<Topic, string>;
  body: Record<Exclude<Topic, 'thanks'>, string>;
  again: string;
  closing: string;
}

const CODE_EN = `Here is a small function that reads such a stream, one event at a time:

\`\`\`js
export async function* lines(response) {
  const decoder = new TextDecoderStream();
  let rest = '';
  for await (const text of response.body.pipeThrough(decoder)) {
    const parts = (rest + text).split('\\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}
\`\`\`

Three things make it dependable:

1. It decodes across chunk borders, so no character is torn in two.
2. It keeps the unfinished line until the rest of it comes.
3. It is a generator: a slow reader slows the sender down, and memory stays flat.`;

const CODE_VI = `Đây là một hàm nhỏ đọc luồng dữ liệu, từng dòng một:

\`\`\`js
export async function* lines(response) {
  const decoder = new TextDecoderStream();
  let rest = '';
  for await (const text of response.body.pipeThrough(decoder)) {
    const parts = (rest + text).split('\\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  if (rest !== '') yield rest;
}
\`\`\`

Ba điều làm cho nó đáng tin cậy:

1. Nó giải mã liền mạch qua ranh giới giữa các gói, nên không ký tự nào bị cắt đôi.
2. Nó giữ lại dòng chưa xong cho đến khi phần còn lại tới.
3. Nó là một generator: người đọc chậm thì bên gửi cũng chậm lại, và bộ nhớ không phình ra.`;

const TOUR_EN = `While you read this, you can try to break it:

- **Reload the page.** The text so far is back at once, and the answer goes on.
- **Open a second window.** Both show the same words at the same time.
- **Switch off the network for a moment.** What you missed is caught up in order.
- **Press stop.** What was written stays.

What happens behind the curtain:

| If this fails | you see | because |
| --- | --- | --- |
| the browser tab | nothing missing | the log knows your last event |
| a gateway | a reconnect within a second | gateways hold no state |
| an AI pod | a pause of a few seconds | another pod goes on from the last byte |

And the same answer is one request away on the command line:

\`\`\`sh
curl -N "http://localhost:8080/v1/chat/completions" \\
  -H "content-type: application/json" \\
  -d '{"model": "demo", "stream": true, "messages": [{"role": "user", "content": "Hello"}]}'
\`\`\`

To watch every word being counted, send \`count 500 at 50\`.`;

const TOUR_VI = `Trong lúc đọc, bạn cứ thử làm gián đoạn nó xem:

- **Tải lại trang.** Phần đã viết hiện ra ngay, và câu trả lời vẫn tiếp tục.
- **Mở thêm một cửa sổ.** Cả hai hiện cùng những từ ấy, cùng một lúc.
- **Tắt mạng một lát.** Phần bị lỡ sẽ được bù lại đúng thứ tự.
- **Bấm dừng.** Những gì đã viết vẫn còn đó.

Phía sau, chuyện diễn ra thế này:

| Nếu hỏng | bạn sẽ thấy | vì |
| --- | --- | --- |
| thẻ trình duyệt | không thiếu chữ nào | nhật ký biết sự kiện cuối bạn đã nhận |
| một gateway | kết nối lại trong một giây | gateway không giữ trạng thái |
| một pod AI | ngừng vài giây | pod khác viết tiếp từ byte cuối cùng |

Cũng câu trả lời ấy, gọi từ dòng lệnh:

\`\`\`sh
curl -N "http://localhost:8080/v1/chat/completions" \\
  -H "content-type: application/json" \\
  -d '{"model": "demo", "stream": true, "messages": [{"role": "user", "content": "Xin chào"}]}'
\`\`\`

Muốn đếm được từng từ, hãy gửi \`count 500 at 50\`.`;

const TEXTS: Record<Language, Texts> = {
  en: {
    openings: {
      greeting: "Hello! Nice to meet you. I am Runnel's demo model: no real intelligence, but real streaming, word by word. 🌊",
      thanks: 'You are welcome! Ask me anything else, or send `count 100 at 20` to see the words counted.',
      code: 'Good question: **{prompt}** I am only the demo model, so take this as an example of how code looks while it streams.',
      other: 'You asked: **{prompt}** I am the demo model, so I cannot really know, but I can show you how an answer arrives. 🌊',
    },
    body: { greeting: TOUR_EN, code: CODE_EN, other: TOUR_EN },
    again: 'This was answer number {turn} in this conversation; all of them are still here after a reload.',
    closing: 'To talk to a real model, name one in `MODELS`. Have fun!',
  },
  vi: {
    openings: {
      greeting:
        'Xin chào! Rất vui được gặp bạn. Mình là mô hình mẫu của Runnel: không thông minh thật, nhưng truyền chữ thật, từng từ một. 🌊',
      thanks: 'Không có gì! Bạn cứ hỏi tiếp, hoặc gửi `count 100 at 20` để xem từng từ được đếm.',
      code: 'Câu hỏi hay: **{prompt}** Mình chỉ là mô hình mẫu, nên đây là ví dụ để bạn thấy mã hiện ra dần như thế nào.',
      other: 'Bạn hỏi: **{prompt}** Mình là mô hình mẫu nên không thật sự biết, nhưng có thể cho bạn thấy câu trả lời đến như thế nào. 🌊',
    },
    body: { greeting: TOUR_VI, code: CODE_VI, other: TOUR_VI },
    again: 'Đây là câu trả lời thứ {turn} trong cuộc trò chuyện này; tải lại trang thì tất cả vẫn còn.',
    closing: 'Muốn nói chuyện với mô hình thật, hãy khai báo trong `MODELS`. Chúc bạn vui!',
  },
};
