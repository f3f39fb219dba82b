import type { FileContent } from '@runnel/files';
import type { Finish, Part, Role, Usage } from '@runnel/protocol';
import type { EndpointStanding, ModelParams, Turn } from '@runnel/protocol/http';

export interface ModelMessage {
  role: Role;
  /** Of a message that `turn` says, what of it is text. */
  text: string;
  /** As an API's caller wrote it, or a step with calls of tools, where it is more than text. */
  turn?: Turn;
  /** Of a step with calls: its thoughts as their provider signed them; absent: nobody here knows them. */
  signed?: readonly SignedThought[];
  /** Files that came with it, as the log has them, */
  parts?: readonly Part[];
  /** and with their content, once it was read. */
  files?: readonly ModelFile[];
}

/** A file as a model gets it. */
export interface ModelFile {
  part: Part;
  content: FileContent | null;
  /** How closely to look at a picture, in OpenAI's words. */
  detail?: string;
  /** Why there is no content: the model sees no pictures, or not so many; there was no room; it was deleted. */
  why?: 'unseen' | 'room' | 'gone';
}

/** A tool as a model is told of it. */
export interface ToolSpec {
  /** `server__tool`. */
  name: string;
  description: string;
  /** JSON Schema of its arguments. */
  parameters: Readonly<Record<string, unknown>>;
}

export interface ModelRequest {
  /** The model's name at its provider. */
  model: string;
  /** From the root of the conversation to the user's message that is to be answered. */
  messages: readonly ModelMessage[];
  /** What an API's caller asks of this answer; the model's entry says the rest. Only what the model `accepts` gets here. */
  params?: ModelParams;
  /** Text of the answer that stands already; the model goes on right behind it. Empty at the start. */
  prefix: string;
  /** What the model may call; absent: nothing. */
  tools?: readonly ToolSpec[];
  /** What fails is not asked for again: nobody waits for it. */
  once?: boolean;
  /** W3C `traceparent` of the run's span: a provider of one's own goes on with the trace. */
  trace?: string | undefined;
  /** Called for whatever comes from the provider, also for what says nothing: a comment that keeps the connection open. */
  onLife?: () => void;
}

/** A piece of the answer as the provider cut it, maybe inside a character, maybe empty (a sign of life); what it cost; why it ended. */
export type Delta =
  | { text: string }
  | { reasoning: string }
  | { signed: SignedThought }
  | { call: CallDelta }
  | { source: Source }
  | { usage: Usage }
  | { finish: Finish };

/** A whole thought in its provider's own words, which wants it back with the results of the calls behind it. It is read by nobody here. */
export type SignedThought = Readonly<Record<string, unknown>>;

/** A piece of a call of a tool: the first of a `key` names the tool and the provider's id; `input` is appended. */
export interface CallDelta {
  /** Tells the calls of one answer apart. */
  key: string;
  id?: string;
  name?: string;
  input: string;
}
/** Where something in the answer is from. */
export interface Source {
  url: string;
  title: string;
  snippet?: string;
}

/**
 * The narrow port every model sits behind.
 *
 * `stream` ends when the answer is whole, and soon after the signal aborts. One that never says why it ended has stopped by itself: a
 * provider over a network must say it, since a connection that breaks ends a stream as well. It throws RunnelError `unavailable` for what may
 * succeed when tried again (network, overload), `model-failed` for what will not.
 */
export interface ChatProvider {
  /** Whether it can go on behind a `prefix`. If not, a run that moves to another pod starts again. */
  readonly canContinue: boolean;
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<Delta>;
  /** Loads what takes long, so that the first prompt does not wait for it. What fails here fails again, and aloud, in `stream`. */
  warmUp?(): Promise<void>;
  close?(): Promise<void>;
  /** It has failed so often, and lately, that it is probably away. A guess for people: it is still asked. */
  isDown?(): boolean;
  /** Where several places serve it: which of them rest after failures. */
  endpoints?(): EndpointStanding[];
}

/** What a person said, and not the result of a tool. */
export const isPrompt = ({ role, turn }: ModelMessage): boolean => role === 'user' && turn?.role !== 'tool';

/** The text of the message that is to be answered. */
export const lastPrompt = (messages: readonly ModelMessage[]): string => lastAsked(messages)?.text ?? '';
/** What came with it. */
export const lastFiles = (messages: readonly ModelMessage[]): readonly ModelFile[] => lastAsked(messages)?.files ?? [];
const lastAsked = (messages: readonly ModelMessage[]): ModelMessage | undefined => messages.findLast(isPrompt);
