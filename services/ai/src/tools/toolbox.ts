import type { FormAnswer, InputForm } from '../asking/forms.ts';
import type { ToolSpec } from '../models/provider.ts';

/** A tool as a run uses it. */
export interface Tool {
  /** Id of its server, and its name there. */
  server: string;
  name: string;
  /** What the server calls it for people. */
  title?: string;
  /** `ask`: a person decides about each call. */
  policy: 'never' | 'ask';
  /** Repeating a call is harmless, says the server (`readOnlyHint`, `idempotentHint`). */
  repeatable: boolean;
  spec: ToolSpec;
  /** Why these arguments do not fit; null when they do. */
  check(input: unknown): string | null;
}

/** A call as traces see it. */
export interface CallSpan {
  /** W3C `traceparent` for the server of the tool; undefined where nothing is traced. */
  trace: string | undefined;
  /** `code`: the fault; null when the tool answered. */
  end(code: string | null): void;
}

/** One call: what it is told apart by, and when it is too late. */
export interface Call {
  tool: Tool;
  input: Readonly<Record<string, unknown>>;
  /** `runId:partId`: the same for every attempt. */
  key: string;
  attempt: number;
  signal: AbortSignal;
  /** Asked right before the call is sent, when the connection stands: whether it may still be. Absent: it may. */
  permit?: () => Promise<boolean>;
  /** It asked in an earlier attempt: what people said, by form, and its server's own state. */
  said?: { responses: Readonly<Record<string, FormAnswer>>; state?: string };
  /** For a server that asks in the middle of a call: the answer goes into the call that is open. Absent: there is nobody to ask. */
  ask?: (form: InputForm) => Promise<FormAnswer>;
  /** W3C `traceparent` of the call's span: a server that traces goes on with it. */
  trace?: string;
}

/** Codes of a part's error. */
export type CallFault = 'timeout' | 'too-long' | 'tool-error' | 'unavailable' | 'unknown-tool' | 'cancelled';

export type CallResult =
  | { ok: true; output: string; sources: { url: string; title: string }[] }
  | { ok: false; code: CallFault; message: string; output?: string }
  /** The tool needs to know more: it is called again with what people say. */
  | { ok: 'asks'; forms: InputForm[]; state?: string };

/** The tools of this pod's servers. */
export interface Toolbox {
  /**
   * What there is now; a server that does not tell offers none. Never rejects. Servers that are `needed`, for a call of theirs is open, are
   * waited for, and what they had before counts while they are away.
   */
  list(signal: AbortSignal, needed?: ReadonlySet<string>): Promise<readonly Tool[]>;
  /** Calls once. Never rejects. */
  call(call: Call): Promise<CallResult>;
  close(): Promise<void>;
}

/** How a part names its tool. */
export const toolKey = ({ server, name }: { server?: string | undefined; name?: string | undefined }): string =>
  `${server ?? ''} ${name ?? ''}`;
