import { hash } from 'node:crypto';

/** Where one log ends: what a root commits to. */
export interface End {
  logId: string;
  sequence: number;
  hash: string;
}

const digest = (data: Uint8Array): Buffer => hash('sha256', data, 'buffer');
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

const leafOf = ({ logId, sequence, hash: end }: End): Buffer =>
  digest(Buffer.concat([LEAF, Buffer.from(JSON.stringify([logId, sequence, end]))]));

/**
 * The root of a Merkle tree over the ends of logs (the tree hash of RFC 6962), which come in the order of their ids. It holds one digest
 * for each level only, whatever the number of logs.
 */
export class MerkleRoot {
  /** Whole subtrees, largest first, with the number of leaves of each. */
  readonly #subtrees: { size: number; digest: Buffer }[] = [];

  add(end: End): void {
    let subtree = { size: 1, digest: leafOf(end) };
    while (this.#subtrees.at(-1)?.size === subtree.size) {
      const left = this.#subtrees.pop()!;
      subtree = { size: left.size * 2, digest: digest(Buffer.concat([NODE, left.digest, subtree.digest])) };
    }
    this.#subtrees.push(subtree);
  }

  hex(): string {
    const root = this.#subtrees
      .map((subtree) => subtree.digest)
      .reduceRight<Buffer | undefined>((right, left) => (right ? digest(Buffer.concat([NODE, left, right])) : left), undefined);
    return (root ?? digest(Buffer.alloc(0))).toString('hex');
  }
}

export const rootOf = (ends: readonly End[]): string => {
  const root = new MerkleRoot();
  for (const end of ends.toSorted((a, b) => (a.logId < b.logId ? -1 : 1))) root.add(end);
  return root.hex();
};
