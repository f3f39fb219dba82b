import keySlot from 'cluster-key-slot';
import { ASSUMED, FACTORS } from './factors.ts';

const SLOTS = 16_384;
const MICRO = 1e6;
const DAY_SECONDS = 86_400;
/** A Redis Cluster of more is no longer what its makers advise. */
const MOST_MASTERS = 1000;
/** As `MOST_SHARDS` of packages/coordination has it. */
const MOST_SHARDS = 1024;

export interface Size {
  users: number;
  shards: number;
  live: number;
  chunksPerSecond: number;
  gateways: number;
  aiPods: number;
  masters: number;
  /** Load of the busiest master beside the mean. */
  hottest: number;
  redisGb: number;
  auditPods: number;
  databaseGbDay: number;
  dollarsMonth: number;
  /** What stops it from growing, first of all; empty: nothing does. */
  breaks: string;
}

const slots = Array.from({ length: MOST_SHARDS }, (_, shard) => keySlot(`{${shard}}`));
const known = new Map<string, number>();

/** Slots lie in equal runs on the masters, as `redis-cli --cluster create` lays them; a shard is where its tag hashes to. Pure. */
export const hottestShare = (masters: number, shards: number): number => {
  const name = `${masters} ${shards}`;
  const share = known.get(name) ?? shareOf(masters, shards);
  known.set(name, share);
  return share;
};

const shareOf = (masters: number, shards: number): number => {
  const held = new Array<number>(masters).fill(0);
  for (let shard = 0; shard < shards; shard++) held[Math.floor((slots[shard]! * masters) / SLOTS)]! += 1;
  return Math.max(...held) / (shards / masters);
};

interface Load {
  /** Cores of Redis for chunks, all masters together, and what looking costs however many there are. */
  redisCores: number;
  redisGb: number;
}

/** As few masters as carry it, the busiest below what a core may be full of, and the fullest within its memory. */
const mastersFor = ({ redisCores, redisGb }: Load, shards: number): number => {
  for (let masters = 1; masters <= MOST_MASTERS; masters++) {
    const share = hottestShare(masters, shards) / masters;
    if (redisCores * share <= ASSUMED.full && redisGb * share <= ASSUMED.masterMemory) return masters;
    // A master more takes nothing from the busiest shard.
    if (masters > shards * 4) break;
  }
  return Infinity;
};

/** How much of everything so many connected people need. Pure: see docs/size.md for the formula in words. */
export const sizeFor = (users: number, shards: number): Size => {
  const live = users * ASSUMED.streamingShare;
  const chunksPerSecond = live * ASSUMED.chunksPerSecond;
  const cores = (factor: number): number => (chunksPerSecond * factor) / MICRO / ASSUMED.full;
  const answersDay = users * ASSUMED.answersPerPersonDay;
  const gateways = Math.max(2, Math.ceil(Math.max(cores(FACTORS.gatewayChunk.value), users / ASSUMED.socketsPerGateway)));
  const aiPods = Math.max(2, Math.ceil(Math.max(cores(FACTORS.aiChunk.value), live / ASSUMED.runsPerAiPod)));
  const looking = (aiPods * shards * ASSUMED.looksPerSecond * ASSUMED.look) / MICRO;
  const redisCores = (chunksPerSecond * FACTORS.redisChunk.value) / MICRO + looking;
  const redisGb = (answersDay * FACTORS.keptAnswer.value + live * FACTORS.liveAnswer.value) / MICRO;
  const masters = mastersFor({ redisCores, redisGb }, shards);
  // People ask in eight hours of the day: three times the mean.
  const eventsPerSecond = ((answersDay * ASSUMED.eventsPerAnswer) / DAY_SECONDS) * 3;
  const auditPods = Math.max(2, Math.ceil(eventsPerSecond / (FACTORS.auditEvents.value * ASSUMED.full)));
  const databaseGbDay = (answersDay * ASSUMED.databaseTurn) / MICRO;
  // Each master and its replica is a process of its own.
  const processes = gateways + aiPods + auditPods + 2 * (Number.isFinite(masters) ? masters : 0);
  const dollarsMonth = processes * ASSUMED.core + redisGb * 2 * ASSUMED.redisGb + databaseGbDay * 30 * ASSUMED.diskGb;
  return {
    ...{ users, shards, live, chunksPerSecond, gateways, aiPods, masters, redisGb, auditPods, databaseGbDay, dollarsMonth },
    hottest: Number.isFinite(masters) ? hottestShare(masters, shards) : Infinity,
    breaks: whatBreaks({ masters, shards, auditPods, looking, redisCores }),
  };
};

const whatBreaks = (of: { masters: number; shards: number; auditPods: number; looking: number; redisCores: number }): string => {
  if (!Number.isFinite(of.masters)) return 'the busiest shard is more than a master carries: more shards';
  if (of.shards > MOST_SHARDS) return 'more shards than there may be';
  if (of.looking > Math.max(1, of.redisCores / 2)) return 'looking for runs costs Redis more than the answers do: fewer shards or AI pods';
  return '';
};

/** The largest number of people at once, in steps of 1 %, before something breaks. */
export const mostUsers = (shards: number, upTo = 20_000_000): { users: number; breaks: string } => {
  let users = 1000;
  for (let next = users; next <= upTo; next = Math.ceil(next * 1.01)) {
    const { breaks } = sizeFor(next, shards);
    if (breaks !== '') return { users, breaks };
    users = next;
  }
  return { users, breaks: '' };
};
