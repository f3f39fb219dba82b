export type { Answer, AnswerEnd, AnswerPiece } from './conversation/answer.ts';
export { createClient, type Client, type ClientOptions } from './client.ts';
export type { Account, ApiKey, ApiKeyList, ApiKeyMade, NewApiKey, SessionInfo } from './api/account.ts';
export type { ConversationPage, ConversationSummary, MessagePage, ModelInfo, SignInWay } from './api/api.ts';
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
} from './api/archive.ts';
export type { Files } from './api/files.ts';
export type { Feedback, Person, Rating, SavedPrompt, SavedPromptList, Settings, SettingsPatch } from './api/person.ts';
export type { Clock } from './clock.ts';
export type { ConnectionState, ConnectionStatus, TransportChoice, TransportName } from './connection/connection-state.ts';
export type { ConversationHandle, MismatchReport, PromptOptions } from './conversation/conversation-handle.ts';
export type { ConversationView } from './conversation/conversation-view.ts';
export type { TokenSource } from './connection/credentials.ts';
export type { Resume, Sync, Verified } from './conversation/conversation-core.ts';
export type { Problem } from './api/errors.ts';
export type { PromptStorage } from './prompts/prompt-storage.ts';
export type { PendingPrompt, PendingStatus } from './prompts/pending-prompt.ts';
export { createStore, type Store, type WritableStore } from './store.ts';
