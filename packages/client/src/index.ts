export type { Answer, AnswerEnd, AnswerPiece } from './answer.ts';
export { createClient, type Client, type ClientOptions } from './client.ts';
export type { ConversationPage, ConversationSummary, MessagePage, ModelInfo, SignInWay } from './api.ts';
export type {
  Archive,
  FoundMessage,
  Me,
  Replay,
  ReplayMarker,
  ReplayPiece,
  RunStatistics,
  TrailEntry,
  TrailFilter,
  Verification,
} from './archive.ts';
export type { Clock } from './clock.ts';
export type { ConnectionState, ConnectionStatus, TransportChoice, TransportName } from './connection-state.ts';
export type { ConversationHandle, ConversationView, MismatchReport, PromptOptions } from './conversation-handle.ts';
export type { TokenSource } from './credentials.ts';
export type { Resume, Sync, Verified } from './conversation-core.ts';
export type { Problem } from './errors.ts';
export type { PromptStorage } from './outbox-storage.ts';
export type { PendingPrompt, PendingStatus } from './pending.ts';
export { createStore, type Store, type WritableStore } from './store.ts';
