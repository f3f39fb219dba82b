/** Which of a person's files must not go yet. */
export interface Needs {
  /** What a legal hold keeps: neither a term nor its owner removes it. */
  held: ReadonlySet<string>;
  /** What a conversation of theirs shows that lives. */
  shown: ReadonlySet<string>;
}

/** Knows of conversations and holds; the store of files knows of neither. */
export interface Keeper {
  /** @throws RunnelError `unavailable`: it cannot tell just now, so nothing may go */
  needs(userId: string, fileIds: readonly string[]): Promise<Needs>;
}

/** Where nobody keeps more than the files themselves there are no holds. */
export const NOBODY: Keeper = { needs: () => Promise.resolve({ held: new Set(), shown: new Set() }) };
