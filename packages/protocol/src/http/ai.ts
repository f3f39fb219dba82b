import { Type, type Static } from 'typebox';
import { ID_PATTERN } from '../ids.ts';

const Id = Type.String({ pattern: ID_PATTERN });

/** Body of `POST /runs`: a run that waits in the store is offered to a pod. */
export const RunOffer = Type.Object({ conversationId: Id, runId: Id });

/** What a pod makes of an offer; its status says the same. `owned` and `gone`: nothing is left to do. */
export const OfferAnswer = Type.Union([
  Type.Object({ outcome: Type.Literal('claimed'), epoch: Type.Integer() }),
  Type.Object({ outcome: Type.Enum(['owned', 'gone', 'unsuited', 'full', 'draining']) }),
]);
export type OfferAnswer = Static<typeof OfferAnswer>;

export const OFFER_STATUS = { claimed: 202, owned: 409, gone: 409, unsuited: 422, full: 429, draining: 503 } as const satisfies Record<
  OfferAnswer['outcome'],
  number
>;
