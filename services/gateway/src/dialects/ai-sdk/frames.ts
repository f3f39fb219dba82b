import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { excessOf } from '../../http/plumbing/json-depth.ts';
import { ChatBody } from './request.ts';

const MOST = 128;
/** Only a `send` brings a conversation: what else is longer is no frame. */
const LONGEST_OTHER = 16 * 1024;
const MOST_HEADERS = 128;
const Known = { requestId: Type.String({ minLength: 1, maxLength: MOST }), headers: Type.Record(Type.String(), Type.String()) };

const Send = Type.Object({ type: Type.Literal('send'), ...Known, ...ChatBody.properties, id: Type.String(), body: Type.Object({}) });
const Resume = Type.Object({ type: Type.Literal('resume'), ...Known, id: Type.String() });
const Abort = Type.Object({ type: Type.Literal('abort'), requestId: Known.requestId });
export type ClientFrame = Static<typeof Send> | Static<typeof Resume> | Static<typeof Abort>;

/** Compiled: a schema that is walked takes twenty times as long as the parser, and everybody waits. */
const CHECKERS = { send: Compile(Send), resume: Compile(Resume), abort: Compile(Abort) };
const isType = (type: unknown): type is keyof typeof CHECKERS => typeof type === 'string' && Object.hasOwn(CHECKERS, type);

/** What a WebSocketChatTransport sends; null for anything else. */
export const readFrame = (text: string): ClientFrame | null => {
  if (excessOf(text)) return null;
  try {
    const value = JSON.parse(text) as { type?: unknown; headers?: object } | null;
    const type = value?.type;
    if (!isType(type) || (type !== 'send' && text.length > LONGEST_OTHER)) return null;
    if (Object.keys(value?.headers ?? {}).length > MOST_HEADERS) return null;
    return CHECKERS[type].Check(value) ? (value as ClientFrame) : null;
  } catch {
    return null;
  }
};

/** What a `send` asks for; `model` may stand in its `body`, where the transport puts what an application adds. */
export const bodyOf = (frame: Extract<ClientFrame, { type: 'send' }>): ChatBody => {
  const { model } = frame.body as { model?: unknown };
  return { ...frame, ...(typeof model === 'string' && { model }) };
};
