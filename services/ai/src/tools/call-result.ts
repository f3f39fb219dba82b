import {
  isInputRequiredResult,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  type CallToolResult,
  type InputRequiredResult,
} from '@modelcontextprotocol/client';
import { utf8Length } from '@runnel/protocol';
import { readForm } from '../asking/forms.ts';
import type { CallFault, CallResult } from './toolbox.ts';

/** Of what a server says about a failure. */
const MOST_WORDS = 1_000;
const MOST_SOURCES = 20;

export const failedCall = (code: CallFault, message: string): CallResult => ({ ok: false, code, message });

export const MAY_HAVE_ACTED = 'It may have acted all the same.';
export const tooLong = (most: number): CallResult =>
  failedCall('too-long', `The tool's answer is longer than ${most} bytes. ${MAY_HAVE_ACTED}`);

const MOST_FORMS = 8;
const MOST_STATE = 16 * 1024;

/** What a server asks instead of answering: forms, and a state of its own that goes back to it. Nothing else is offered to servers. */
const askedOf = ({ inputRequests = {}, requestState }: InputRequiredResult): CallResult => {
  const requests = Object.entries(inputRequests);
  const forms = requests.map(([key, { method, params }]) =>
    method === 'elicitation/create' && key.length <= 128 ? readForm(key, params) : null,
  );
  const isFitting = forms.length <= MOST_FORMS && (requestState ?? '').length <= MOST_STATE;
  if (!isFitting || !forms.every((form) => form !== null))
    return failedCall('tool-error', 'The tool asks for something that nobody here can be asked.');
  return { ok: 'asks', forms, ...(requestState !== undefined && { state: requestState }) };
};

/** What a server answered. Pure. */
export const resultOf = (answer: CallToolResult | InputRequiredResult, maxOutputBytes: number): CallResult => {
  if (isInputRequiredResult(answer)) return askedOf(answer);
  const { content, structuredContent, isError } = answer as CallToolResult;
  const texts = content.flatMap((block) => (block.type === 'text' ? [block.text] : []));
  const output = structuredContent === undefined ? texts.join('\n') : JSON.stringify(structuredContent);
  if (utf8Length(output) > maxOutputBytes) return tooLong(maxOutputBytes);
  if (isError) {
    const words = texts.join('\n').trim();
    return {
      ok: false,
      code: 'tool-error',
      message: words === '' ? 'The tool failed.' : words.slice(0, MOST_WORDS),
      ...(output !== '' && { output }),
    };
  }
  const sources = content
    .flatMap((block) => (block.type === 'resource_link' && /^https?:\/\//i.test(block.uri) ? [block] : []))
    .slice(0, MOST_SOURCES)
    .map(({ uri, title, name }) => ({ url: uri.slice(0, 2_000), title: (title ?? name ?? uri).slice(0, 300) }));
  return { ok: true, output, sources };
};

/** Why there is no answer; addresses and what a library says stay here. Pure. */
export const faultOf = (error: unknown): CallResult => {
  if (error instanceof SdkHttpError) {
    const { status } = error;
    const refused = status === 401 || status === 403;
    return failedCall(
      'unavailable',
      refused ? `The server of the tool refuses us (${status}).` : `The server of the tool answered ${status}. ${MAY_HAVE_ACTED}`,
    );
  }
  if (error instanceof ProtocolError) return failedCall('tool-error', error.message.slice(0, MOST_WORDS) || 'The tool failed.');
  if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout)
    return failedCall('timeout', `The tool did not answer in time. ${MAY_HAVE_ACTED}`);
  return failedCall('unavailable', `The server of the tool gave no answer that can be read. ${MAY_HAVE_ACTED}`);
};

/** One word for the log: what an error says may hold addresses and secrets. Pure. */
export const whyAway = (error: unknown): string => {
  if (error instanceof SdkHttpError) return `status ${error.status}`;
  const { code, name, cause } = (error ?? {}) as { code?: unknown; name?: string; cause?: { code?: unknown } };
  return String(cause?.code ?? code ?? name ?? 'unknown');
};
