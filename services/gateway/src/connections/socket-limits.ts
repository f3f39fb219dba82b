/** How many sockets a node and one address may have (4003). */
export class SocketLimits {
  readonly #max: number;
  readonly #maxPerIp: number;
  readonly #byIp = new Map<string, number>();
  #total = 0;

  constructor(max: number, maxPerIp: number) {
    this.#max = max;
    this.#maxPerIp = maxPerIp;
  }

  get total(): number {
    return this.#total;
  }

  /** False when there is no room; otherwise the caller owes one `leave`. */
  enter(ip: string): boolean {
    const ofIp = this.#byIp.get(ip) ?? 0;
    if (this.#total >= this.#max || ofIp >= this.#maxPerIp) return false;
    this.#total++;
    this.#byIp.set(ip, ofIp + 1);
    return true;
  }

  leave(ip: string): void {
    const ofIp = this.#byIp.get(ip) ?? 0;
    this.#total--;
    if (ofIp <= 1) this.#byIp.delete(ip);
    else this.#byIp.set(ip, ofIp - 1);
  }
}
