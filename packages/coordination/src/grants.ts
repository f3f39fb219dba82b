import type { Subscription } from './channels.ts';

/**
 * What lets a person in: a key for programs, which lasts, or the session of a browser that signed in. `sid` lets nobody in: it is the provider's
 * name of its own session, by which whose it is can be found.
 */
export type GrantKind = 'key' | 'session' | 'sid';

/** Which grant of whom. */
export interface GrantRef {
  userId: string;
  grantId: string;
}

/** A grant as the store keeps it. Times are ms by the store's clock. */
export interface Grant {
  grantId: string;
  /** JSON of its kind's schema (`@runnel/protocol/http`); the store does not look into it. */
  data: string;
  createdAt: number;
  /** To the minute; `createdAt` while it never was. */
  usedAt: number;
  /** When it ends whatever happens; null: never. */
  expiresAt: number | null;
}

export interface AddGrant extends GrantRef {
  kind: GrantKind;
  /** SHA-256 of the secret, hexadecimal: the secret itself is never here. */
  digest: string;
  data: string;
  /** How long it lives at most, ms; null: until it is ended. */
  lifeMs: number | null;
  /** It ends earlier when nobody used it for so long; 0: it does not. */
  idleMs: number;
  /** Grants of this kind a person may have at a time; the one that was not used for longest makes way, or the new one is refused. */
  limit: number;
  whenFull: 'refuse' | 'replace';
}
export type AddGrantResult = { outcome: 'added'; replaced: string[] } | { outcome: 'full' };
/** `at`: when that was, by the store's clock, which is the same for all nodes. */
export type UseGrantResult = ({ outcome: 'valid'; userId: string; at: number } & Grant) | { outcome: 'none' };
/** `changed`: somebody else has kept other data meanwhile. */
export type KeepGrantResult = { outcome: 'kept' } | { outcome: 'changed' } | { outcome: 'none' };

export interface GrantListener {
  /** A grant may have ended. A hint: who holds one looks (`useGrant`, `listGrants`). */
  ended(grantId: string): void;
  /** Hints may have been missed. */
  resubscribed(): void;
}

/**
 * Who is let in. The person's own list is the truth; that a digest is known somewhere else says only whose list to read. A grant that
 * ended is refused by every process from the next call on.
 */
export interface StoreGrants {
  addGrant(command: AddGrant): Promise<AddGrantResult>;
  /** Notes that it was used. */
  useGrant(query: { kind: GrantKind; digest: string }): Promise<UseGrantResult>;
  /** Oldest first. */
  listGrants(query: { userId: string; kind: GrantKind }): Promise<Grant[]>;
  /** Repeating it is safe, and tells all processes again. */
  endGrant(command: GrantRef & { kind: GrantKind }): Promise<'ended' | 'none'>;
  /** Replaces the data of a grant that still is what the caller read. */
  keepGrant(command: GrantRef & { before: string; data: string }): Promise<KeepGrantResult>;
  /** Ends everything that lets a person in. */
  endGrantsOf(userId: string): Promise<void>;
  onGrantEnded(listener: GrantListener): Promise<Subscription>;
}
