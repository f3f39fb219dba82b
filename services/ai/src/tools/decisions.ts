/** What people decide while the owner of a run still works on other calls: a hint that there is something to read again. */
export class Decisions {
  #told = Promise.withResolvers<void>();
  #isTold = false;

  /** Resolves when somebody has decided since `take`. */
  get next(): Promise<void> {
    return this.#told.promise;
  }

  tell(): void {
    this.#isTold = true;
    this.#told.resolve();
  }

  /** True once for all that was told. */
  take(): boolean {
    const isTold = this.#isTold;
    if (isTold) this.#told = Promise.withResolvers();
    this.#isTold = false;
    return isTold;
  }
}

export interface Deciding {
  decisions: Decisions;
  /** Takes over what people have decided. False when there is nothing of the sort. */
  reread(): Promise<boolean>;
}
