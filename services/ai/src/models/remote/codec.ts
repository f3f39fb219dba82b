import type { ModelEntry } from '@runnel/protocol/http';
import type { Delta, ModelRequest } from '../provider.ts';

/** How a model picks its words; what is absent is left to the provider. */
export type Sampling = Pick<
  ModelEntry,
  'temperature' | 'topP' | 'frequencyPenalty' | 'presencePenalty' | 'seed' | 'stop' | 'maxOutputTokens' | 'maxTokensField'
>;

/** What every provider over HTTP is told beside the thread. */
export interface RemoteSettings {
  baseURL: string;
  query?: ModelEntry['query'] | undefined;
  /** Over what the codec would send. */
  body?: ModelEntry['body'] | undefined;
  /** Asked before each request: a key that stands in a file may change. */
  apiKey?: string | (() => Promise<string>) | undefined;
  /** Sent as they are. */
  headers?: Readonly<Record<string, string>> | undefined;
  /** Asked before each request, too: they stand in files that may change. */
  secretHeaders?: (() => Promise<Readonly<Record<string, string>>>) | undefined;
  /** An HTTP proxy. */
  proxy?: string | undefined;
  canContinue: boolean;
  sampling?: Sampling | undefined;
}

/** Reads the events of one answer. Pure but for what it remembers of them. */
export interface Decoder {
  /**
   * What one server-sent event says, by its `data`.
   * @throws RunnelError `unavailable` for what is no event of this dialect; UpstreamFault for what the provider calls an error
   */
  event(data: string): readonly Delta[];
  /** The provider has said that nothing follows. */
  readonly done: boolean;
  /** What is known at the end of the stream. Without a `finish` the stream was cut. */
  end(): readonly Delta[];
}

/** A dialect of a provider: how it is asked, and how its stream is read. */
export interface Codec {
  readonly path: string;
  headers(apiKey: string | undefined): Record<string, string>;
  body(request: ModelRequest): object;
  decoder(): Decoder;
}
