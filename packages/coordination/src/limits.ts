import { BYTES_PER_TOKEN, IMAGE_TOKENS } from '@runnel/protocol';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * The numbers that both run logs go by. The memory one imports them; in a Lua script `limits.<name>` stands for the number, which the
 * loader writes in its place. A number of its own in either is refused by `limits.test.ts`.
 */
export const LIMITS = {
  /** Newest messages of a conversation that are kept; the database has all. */
  messages: 200,
  /** Newest messages of a snapshot. */
  pageMessages: 50,
  /** Newest conversations of a person that are listed. */
  listed: 1_000,
  /** Newest events of a log that are kept. A tail (`TAIL_LIMITS.near`) has half as many, so more would never be read. */
  logEvents: 512,
  /** Bytes of a log whose chunks are large, about: it is trimmed behind each of them. */
  logBytes: 512 * 1024,
  /** What is larger counts as a large chunk. */
  largeChunkBytes: 2_048,
  /** Small chunks from one trimming of a log to the next. */
  trimEvery: 64,
  /** A thread of so many messages is cut where the memory of the store ends, and the database is not asked for more. */
  threadMessages: 100,
  /** Names of the nodes that wrote an answer, for its receipt. */
  nodesBytes: 2_048,
  /** Messages of one audit event: a long conversation is told in several. */
  toldBytes: 256 * 1024,
  /** A message above it is measured as it is stored, for to decode it blocks the store. */
  decodedBytes: 64 * 1024,
  /** Where a message's parent and role stand in its JSON as `say` writes it, from its beginning. */
  headBytes: 256,
  /** Where its parts stand, from its end. */
  partsBytes: 2_000,
  /** About how many bytes of text a token is, and how many tokens a picture: what AI pods cut by, too. */
  bytesPerToken: BYTES_PER_TOKEN,
  pictureTokens: IMAGE_TOKENS,
  /** Gateways that may have a conversation open: above it, they are counted anew. */
  presentHolders: 200,
  /** Runs that one look for free ones reads of each list, and of the leases that end latest. */
  lookRuns: 128,
  lookLeases: 32,

  /** Of a day as people count it. */
  dayMs: DAY_MS,
  /** From the last change of a conversation until Redis forgets it. */
  lifeMs: DAY_MS,
  /** How long it is known that a conversation was deleted: until the database knows. */
  deletedMs: DAY_MS,
  /** A log in which nothing runs. */
  quietLogMs: MINUTE_MS,
  /** A run that waits for a person. */
  parkedMs: 31 * DAY_MS,
  /** The record of a run that has ended, and the flag of a cancelled one: for owners who are late. */
  endedRunMs: 5 * MINUTE_MS,
  endedCancelMs: MINUTE_MS,
  /** Whose an id is, from its last prompt on. */
  heldMs: 30 * DAY_MS,
  /** A grant's last use is noted as often. */
  grantUseMs: MINUTE_MS,
  /** A gateway that has just begun is not in everybody's list yet: its share counts. */
  newHolderMs: 30 * SECOND_MS,

  /** A clock that was set may differ by so much from what it was. */
  clockStepMs: SECOND_MS,
  /** A lease whose writer (0.1.0) did not say how long it is is believed for so long. */
  unknownLeaseMs: MINUTE_MS,
  /** No relay's lease is longer: one that ends later was written before the clock went back. */
  relayLeaseMs: 2 * MINUTE_MS,
  /** What the lease of an owner is cut to when the store changed. */
  changedLeaseMs: SECOND_MS,
  /** After that, its owner has so long to come back and write its answer again … */
  ownerBackMs: 4 * SECOND_MS,
  /** … and who saw the end of an answer that nobody holds, so long to say so. */
  endToldMs: SECOND_MS,
  /** What nobody took for so long may be an older copy of a run that has ended. */
  staleQueueMs: 2 * SECOND_MS,
  /** A copy is claimed this much after it came back at the earliest: an owner that lives notices the loss at its next renewal. */
  copyMs: 2 * SECOND_MS,
  /** So many owners, of whom the database may not have heard, have epochs of their own below that of a copy's first claim. */
  copyEpochs: 15,
  /** A log that neither is here nor was when the store changed so long ago began behind what the store has: it went back twice. */
  newerMs: 6 * SECOND_MS,
  /** So long after the store changed, the database has what was relayed before. */
  lastLookMs: 10 * SECOND_MS,
} as const;

export type LimitName = keyof typeof LIMITS;

/**
 * What a process holds in its memory, where Redis has expiry and a memory of its own: conversations, ids whose person is known, people with
 * records (whoever was away longest is read from the database again).
 */
export const MEMORY_LIMITS = { conversations: 10_000, heldIds: 100_000, people: 10_000 } as const;

/** A snapshot's messages and a page have at most so many bytes; a single message that is larger is given alone. */
export const PAGE_BYTES = 512 * 1024;

/** How long a tail may be: for readers who catch up (W-7), and for those who want every event that the log still has. */
export const TAIL_LIMITS = {
  near: { events: 256, bytes: 512 * 1024 },
  far: { events: 4_096, bytes: 8 * 1024 * 1024 },
} as const;
export type TailReach = keyof typeof TAIL_LIMITS;

/** How long a run counts that nobody has seen to end; longer than any answer may take with its wait. */
export const PLACE_MS = 60 * MINUTE_MS;
