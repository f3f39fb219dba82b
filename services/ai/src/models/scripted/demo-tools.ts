import { languageOf, type Language } from '../demo-answer.ts';
import type { ToolSpec } from '../provider.ts';
import { bareName, toolNamed, type ScriptedCall, type Story } from './scripted-tools.ts';

/** A prompt that asks the demo to use something. */
const USES = /\b(use|call)\b|\bdùng\b|\bgọi\b|dung /iu;
const ASKS = /\bask me\b|hỏi (tôi|mình|lại)/iu;
const ASK = 'ask_person';

/** How people name the tools of `npm start`; any other is known by its own name. */
const ALIASES: readonly [tool: string, words: RegExp][] = [
  ['clock', /\bclock\b|đồng hồ/iu],
  ['calculator', /\bcalculator\b|máy tính/iu],
  ['counter', /\bcounter\b|bộ đếm/iu],
  ['guest_book', /\bguest ?book\b|sổ lưu bút/iu],
  ['post_note', /\b(notice board|note)\b|bảng tin|ghi chú/iu],
];
const SUM = /(-?\d+(?:\.\d+)?)\s*([-+*/×:])\s*(-?\d+(?:\.\d+)?)/;
const OPERATORS: Readonly<Record<string, string>> = { '×': '*', ':': '/' };

const inputOf = (tool: string, prompt: string): object => {
  if (tool === 'calculator') {
    const [, a = '6', operator = '*', b = '7'] = SUM.exec(prompt) ?? [];
    return { a: Number(a), operator: OPERATORS[operator] ?? operator, b: Number(b) };
  }
  if (tool === 'clock') return languageOf(prompt) === 'vi' ? { timeZone: 'Asia/Ho_Chi_Minh' } : {};
  if (tool === 'post_note') return { note: /[“"«](.{1,200}?)[”"»]/u.exec(prompt)?.[1] ?? 'Runnel was here.' };
  return {};
};

const isNamed = (prompt: string, name: string): boolean => {
  const alias = ALIASES.find(([tool]) => tool === name)?.[1];
  if (alias?.test(prompt)) return true;
  return prompt
    .toLowerCase()
    .split(/[^\p{L}\p{N}_.-]+/u)
    .includes(name.toLowerCase());
};

/** What a prompt wants the demo to call, of the tools there are; nothing for most prompts. Pure. */
export const callsFor = (prompt: string, tools: readonly ToolSpec[]): ScriptedCall[] => {
  if (tools.length === 0) return [];
  const asks = ASKS.test(prompt) && toolNamed(tools, ASK) !== undefined;
  const vi = languageOf(prompt) === 'vi';
  const question = vi
    ? { question: 'Bạn thích màu nào?', choices: ['xanh', 'đỏ'] }
    : { question: 'Which colour do you like?', choices: ['blue', 'red'] };
  if (asks) return [{ name: ASK, input: question }];
  if (!USES.test(prompt)) return [];
  return tools
    .filter(({ name }) => name !== ASK && isNamed(prompt, bareName(name)))
    .slice(0, 8)
    .map(({ name }) => ({ name, input: inputOf(bareName(name), prompt) }));
};

const WORDS: Readonly<Record<Language, { before: string; after: string }>> = {
  en: { before: 'Let me look.\n\n', after: 'This is what came back:' },
  vi: { before: 'Để mình xem.\n\n', after: 'Kết quả nhận được:' },
};

/** What the demo says before it calls. */
export const beforeCalls = (prompt: string): string => WORDS[languageOf(prompt)].before;

const MOST_SHOWN = 400;

/** What it says of the results: the same on every pod, as they are in the log. */
export const afterCalls = (prompt: string, { results }: Story): string => {
  const lines = results.map(({ name, content }) => {
    const words = content.replace(/\s+/g, ' ').trim();
    return `- **${bareName(name)}**: ${words.length > MOST_SHOWN ? `${words.slice(0, MOST_SHOWN).toWellFormed()}…` : words}`;
  });
  return `${WORDS[languageOf(prompt)].after}\n\n${lines.join('\n')}`;
};
