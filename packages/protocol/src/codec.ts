import { Compile } from 'typebox/compile';
import { RunnelError } from './errors.ts';
import { CLIENT_FRAMES, MAX_ECHO, type ClientFrame, type ClientFrameType, type FrameId } from './frames.ts';

export type Decoded = { frame: ClientFrame; error?: undefined } | { frame?: undefined; id?: FrameId; error: RunnelError };

type Checker = { Check(value: unknown): boolean };
const checkers = new Map<string, Checker>();

/** Compiled on first use: pages that only send never pay for it. */
const checkerOf = (type: ClientFrameType): Checker => {
  let checker = checkers.get(type);
  if (!checker) checkers.set(type, (checker = Compile(CLIENT_FRAMES[type])));
  return checker;
};

const isFrameId = (id: unknown): id is FrameId => typeof id === 'number' || (typeof id === 'string' && id.length <= MAX_ECHO);

/** Reads one client frame. Never throws: what cannot be read is an error that names the frame's id where it has one. */
export const decodeClientFrame = (text: string): Decoded => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return { error: new RunnelError('bad-frame', 'This is not JSON.', { cause }) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { error: new RunnelError('bad-frame', 'A frame is a JSON object.') };
  }
  const { type, id } = value as { type?: unknown; id?: unknown };
  const echo = isFrameId(id) ? { id } : {};
  if (typeof type !== 'string') return { ...echo, error: new RunnelError('bad-frame', 'A frame has a `type`.') };
  if (!Object.hasOwn(CLIENT_FRAMES, type)) return { ...echo, error: new RunnelError('unknown-type') };
  if (!checkerOf(type as ClientFrameType).Check(value)) {
    return { ...echo, error: new RunnelError('bad-frame', `The fields of this ${type} frame do not fit.`) };
  }
  return { frame: value as ClientFrame };
};
