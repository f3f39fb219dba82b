import { Type, type Static } from 'typebox';
import { parseBody } from '@runnel/protocol/http';
import { seal, unseal } from './seal.ts';

/** Longer than anybody takes to type a password and find a phone. */
export const FLOW_MS = 10 * 60_000;

/** What has to be known again when the browser comes back; only this browser has it, and cannot read it. */
const Flow = Type.Object({
  state: Type.String(),
  nonce: Type.String(),
  verifier: Type.String(),
  issuer: Type.String(),
  returnTo: Type.String(),
  until: Type.Number(),
});
export type Flow = Static<typeof Flow>;

/** The cookie of a flow. Two of one name, or one of somebody else's making, are none. */
export const sealFlow = (secret: string, flow: Flow): string => seal(secret, 'sign-in', JSON.stringify(flow));

/** Null: it is none of ours, or too old. */
export const openFlow = (secret: string, cookie: string | undefined, now: number): Flow | null => {
  const text = cookie === undefined ? null : unseal(secret, 'sign-in', cookie);
  if (text === null) return null;
  const flow = parseBody(Flow, JSON.parse(text));
  return flow.until > now ? flow : null;
};
