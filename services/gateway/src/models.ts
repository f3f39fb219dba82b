/** One entry of `GET /api/models`. */
export interface ModelInfo {
  id: string;
  name: string;
  provider: string;
  canContinue: boolean;
  default?: boolean;
}

export interface Models {
  /** What can be named; empty while no AI pod has ever answered. */
  list(): Promise<readonly ModelInfo[]>;
  /** The name to store for a run; throws `model-unknown`. Undefined: the default. */
  resolve(model: string | undefined): Promise<string>;
  close(): void;
}
