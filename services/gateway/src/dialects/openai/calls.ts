import type { Part } from '@runnel/protocol';

/** A call of a function of the caller's own, which ended the answer. */
export interface Call {
  id: string;
  name: string;
  arguments: string;
}

/** The calls that an answer leaves to its caller: those of tools that no server here has. In order. Pure. */
export const callsOf = (parts: readonly Part[]): Call[] =>
  parts
    .filter(({ kind, server, state }) => kind === 'tool' && server === undefined && state === 'done')
    .map(({ partId, callId, name = '', input }) => ({ id: callId ?? partId, name, arguments: input || '{}' }));

/** A late reader gets the beginning of long arguments only: no call is made of half of them. */
export const isCut = (parts: readonly Part[]): boolean => parts.some((part) => part.truncated === true && callsOf([part]).length > 0);
