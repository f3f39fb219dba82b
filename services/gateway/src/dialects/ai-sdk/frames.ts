import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { ChatBody } from './request.ts';

const MOST = 128;
const Known = { requestId: Type.String({ minLength: 1, maxLength: MOST }), headers: Type.Record(Type.String(), Type.String()) };

const Send = Type.Object({ type: Type.Literal('send'), ...Known, ...ChatBody.properties, id: Type.String(), body: Type.Object({}) });
const Resume = Type.Object({ type: Type.Literal('resume'), ...Known, id: Type.String() });
const Abort = Type.Object({ type: Type.Literal('abort'), requestId: Known.requestId });
const ClientFrame = Type.Union([Send, Resume, Abort]);
export type ClientFrame = Static<typeof ClientFrame>;

/** What a WebSocketChatTransport sends; null for anything else. */
export const readFrame = (text: string): ClientFrame | null => {
  try {
    const value: unknown = JSON.parse(text);
    return Value.Check(ClientFrame, value) ? value : null;
  } catch {
    return null;
  }
};

/** What a `send` asks for; `model` may stand in its `body`, where the transport puts what an application adds. */
export const bodyOf = (frame: Extract<ClientFrame, { type: 'send' }>): ChatBody => {
  const { model } = frame.body as { model?: unknown };
  return { ...frame, ...(typeof model === 'string' && { model }) };
};
