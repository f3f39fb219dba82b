import { delay } from '@runnel/kit';
import type { Channels, ConversationReader, StoreHealth, StorePresence } from '@runnel/coordination';
import { ChunkLatency } from './chunk-latency.ts';
import type { RunTraces } from './run-traces.ts';
import { Follower, type Follow, type FollowRequest } from './follower.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { Limiter } from './read-slots.ts';
import type { Neighbours } from './presence.ts';
import { Room } from './room.ts';
import { WaitingPlaces } from './waiting-places.ts';

/** Conversation → followers. One subscription per conversation, shared by all of them. */
export interface Hub {
  /** Starts a follow at once; what it brings goes to the sink (W-7). */
  follow(request: FollowRequest): Follow;
  /** A command of this node changed the log: followers here read it, unless the channel brings the event soon. */
  expectChange(conversationId: string): void;
  /** The channel did not bring a change in time: followers here read it now. */
  poke(conversationId: string): void;
  /** Resolves true when `run-ended` of this run passes this node, false after `deadlineMs`. */
  sawEnd(conversationId: string, runId: string, deadlineMs: number): Promise<boolean>;
  /** Whether this user follows the conversation on this node and a read has found it to be theirs. */
  isFollowedBy(conversationId: string, userId: string): boolean;
  /** Whether a run is being written in the conversation, as far as this node knows. */
  hasLiveRun(conversationId: string): boolean;
  /**
   * For who keeps a copy of a conversation: calls `changed` at every event but `chunk`, and whenever one may have been
   * missed. Returns the end of the watch; null when nobody here follows the conversation, so nothing can be promised.
   */
  watch(conversationId: string, changed: () => void): (() => void) | null;
  close(): Promise<void>;
}

export interface HubDeps {
  runLog: ConversationReader & Channels & StorePresence & StoreHealth;
  metrics: GatewayMetrics;
  random?: () => number;
  /** Of runs that this node begins. */
  traces?: RunTraces;
  /** Who else has screens; absent: this process is alone. */
  neighbours?: Neighbours;
  /** How long a subscription outlives its last follower: a reload finds it standing. */
  lingerMs?: number;
}

const LINGER_MS = 2000;
const TICK_MS = 50;
/** Reads that nobody waits for, at once: an interruption of Redis must not become a storm on it. */
const BACKGROUND_READS = 32;
const PRESENCE_EVERY_MS = 1_000;
/** Presence notes in flight at once: nobody waits for them, so they must not delay commands. */
const PRESENCE_AT_ONCE = 16;
const ALONE: Neighbours = { name: 'alone', alive: () => ['alone'] };

export const createHub = ({ runLog, metrics, traces, random = Math.random, lingerMs = LINGER_MS, neighbours = ALONE }: HubDeps): Hub => {
  const rooms = new Map<string, Room>();
  const lingering = new Map<Room, NodeJS.Timeout>();
  const background = new Limiter(BACKGROUND_READS);
  const chunkLatency = new ChunkLatency(metrics, traces);
  const places = new WaitingPlaces(runLog, (place) => metrics.longestLine.set(place));

  const presenceWrites = new Limiter(PRESENCE_AT_ONCE);
  const notePresence: StorePresence['notePresence'] = async (note) => {
    try {
      await runLog.notePresence(note);
      metrics.presenceWrites.inc({ outcome: 'ok' });
    } catch (error) {
      metrics.presenceWrites.inc({ outcome: 'failed' });
      throw error;
    }
  };
  let lookedAt = performance.now();
  const refreshPresence = (now: number): void => {
    lookedAt = now;
    for (const room of rooms.values()) {
      const { conversationId } = room;
      const tell = (count: number) => presenceWrites.run(() => notePresence({ conversationId, holder: neighbours.name, count }));
      room.refreshPresence(neighbours, tell, now);
    }
  };

  const closeRoom = (room: Room): Promise<void> => {
    clearTimeout(lingering.get(room));
    lingering.delete(room);
    rooms.delete(room.conversationId);
    metrics.rooms.set(rooms.size);
    return room.close().catch(() => undefined);
  };
  const onEmpty = (room: Room): void => {
    if (rooms.get(room.conversationId) !== room) return;
    clearTimeout(lingering.get(room));
    lingering.set(room, setTimeout(() => void closeRoom(room), lingerMs).unref());
  };
  const enter = (conversationId: string): Room => {
    let room = rooms.get(conversationId);
    if (room === undefined) {
      room = new Room(conversationId, { runLog, background, metrics, chunkLatency, random, onEmpty });
      rooms.set(conversationId, room);
      metrics.rooms.set(rooms.size);
    }
    clearTimeout(lingering.get(room));
    lingering.delete(room);
    return room;
  };

  const ticker = setInterval(() => {
    const now = performance.now();
    for (const room of rooms.values()) room.tick(now);
    places.tick(now, rooms.values());
    if (now - lookedAt >= PRESENCE_EVERY_MS) refreshPresence(now);
  }, TICK_MS).unref();

  return {
    follow(request) {
      const room = enter(request.conversationId);
      const follower = new Follower(request, room);
      room.add(follower);
      return follower;
    },
    expectChange: (conversationId) => rooms.get(conversationId)?.expectChange(),
    poke: (conversationId) => rooms.get(conversationId)?.recheck(),
    sawEnd: async (conversationId, runId, deadlineMs) => {
      const room = rooms.get(conversationId);
      if (room !== undefined) return room.run.end(runId, deadlineMs);
      await delay(deadlineMs);
      return false;
    },
    isFollowedBy(conversationId, userId) {
      for (const follower of rooms.get(conversationId)?.followers ?? []) if (follower.checked && follower.userId === userId) return true;
      return false;
    },
    hasLiveRun: (conversationId) => rooms.get(conversationId)?.run.knowledge === 'running',
    watch(conversationId, changed) {
      const room = rooms.get(conversationId);
      if (room === undefined || room.followers.size === 0) return null;
      room.watchers.add(changed);
      return () => void room.watchers.delete(changed);
    },
    async close() {
      clearInterval(ticker);
      for (const room of rooms.values()) for (const follower of [...room.followers]) follower.close();
      await Promise.all([...rooms.values()].map(closeRoom));
    },
  };
};
