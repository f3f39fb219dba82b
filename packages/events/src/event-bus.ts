/**
 * Where audit events travel between the outbox and those who store or count them. Kafka is the one
 * implementation (`event-bus-kafka.ts`); small installations have none: the relay then hands its batches straight to the tables.
 *
 * Laws: `publish` resolves only when every record is stored by all in-sync replicas; records with one key keep their order;
 * a consumer's position moves only after its handler has resolved, so a record may come twice and never zero times.
 */
export interface EventRecord {
  topic: string;
  /** The conversation: one partition, so one order. */
  key: string;
  value: Uint8Array;
  headers?: Record<string, string>;
}

/** What became of one record. */
export type Delivery =
  | { outcome: 'stored' }
  /** Not taken for what it is: trying again would not help. */
  | { outcome: 'refused'; reason: string }
  /** Not stored now. */
  | { outcome: 'failed'; error: unknown };

export interface ReceivedRecord {
  topic: string;
  partition: number;
  /** Kafka's own position, as text (64 bits). */
  kafkaOffset: string;
  key: string | null;
  value: Uint8Array | null;
  headers: Record<string, string>;
}

export interface Consumption {
  /** Resolves when the batch in hand is done, its position is committed and the group is left. */
  stop(): Promise<void>;
}

export interface ConsumeOptions {
  group: string;
  topics: readonly string[];
  /** From the first record on when the group has no position yet. */
  fromBeginning: boolean;
  /** Several partitions at a time, each in its order. Rejecting means "not stored": the same records come again after a pause. */
  handle(records: readonly ReceivedRecord[]): Promise<void>;
  onError(error: unknown): void;
  /** The consumer has ended for good; only a new process helps. */
  onFatal(error: unknown): void;
}

export interface ReadToEnd {
  topics: readonly string[];
  /** Begins at this group's position; absent: at the beginning, and nobody's position moves. */
  group?: string;
  /** Moves the group's position. */
  commit?: boolean;
  /** Several partitions at a time, each in its order. */
  handle(records: readonly ReceivedRecord[]): Promise<void>;
  onProgress?(done: number, total: number): void;
}

export interface TopicReport {
  topic: string;
  partitions: number;
  /** What differs from what was asked for; never changed silently. */
  warnings: string[];
}

export interface EventBus {
  /** All of them are stored, or it rejects. */
  publish(records: readonly EventRecord[]): Promise<void>;
  /** What became of each, in their order: one record's trouble is not the others'. Never rejects. */
  deliver(records: readonly EventRecord[]): Promise<Delivery[]>;
  consume(options: ConsumeOptions): Promise<Consumption>;
  /** Resolves when everything that is in the topics now has been handled. */
  readToEnd(query: ReadToEnd): Promise<void>;
  /** Makes missing topics, lets existing ones take our largest event where that is allowed, and reports those that differ. */
  ensureTopics(topics: readonly string[], settings: { partitions: number; retentionMs: number }): Promise<TopicReport[]>;
  /** Records a group has not stored yet, over all partitions of the topics. */
  lag(group: string, topics: readonly string[]): Promise<number>;
  close(): Promise<void>;
}
