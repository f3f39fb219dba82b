import type { Message } from '@runnel/protocol';

/** What the tree needs to know of a message, of a running answer or of a prompt that waits to be sent. */
export type Node = Pick<Message, 'messageId' | 'parentId'>;

/** One place in the branch on the screen. `siblings` are the versions to choose from, oldest first, this one included. */
export interface Step<T extends Node> {
  node: T;
  siblings: readonly string[];
  index: number;
}

/** Which version the reader chose below a parent: parent's id (or ROOT) → message id. */
export type Choices = ReadonlyMap<string, string>;

export const ROOT = '';
const keyOf = (node: Node): string => node.parentId ?? ROOT;

/**
 * The branch to show: at each fork the reader's choice, else the version that leads to the newest message.
 *
 * @param nodes in order of creation. A parent that is not among them (an older page) counts as a root.
 */
export const pathOf = <T extends Node>(nodes: readonly T[], choices: Choices = new Map()): Step<T>[] => {
  const byId = new Map(nodes.map((node) => [node.messageId, node]));
  const children = Map.groupBy(nodes, keyOf);
  const newest = nodes.at(-1);
  if (!newest) return [];

  const lineage = new Set<string>();
  let top: T = newest;
  for (let node: T | undefined = newest; node && !lineage.has(node.messageId); node = byId.get(keyOf(node))) {
    lineage.add(node.messageId);
    top = node;
  }

  const steps: Step<T>[] = [];
  let versions = children.get(keyOf(top));
  while (versions && steps.length < nodes.length) {
    const chosen = choices.get(keyOf(versions[0]!));
    const node: T =
      versions.find((version) => version.messageId === chosen) ??
      versions.find((version) => lineage.has(version.messageId)) ??
      versions.at(-1)!;
    const siblings = versions.map((version) => version.messageId);
    steps.push({ node, siblings, index: siblings.indexOf(node.messageId) });
    versions = children.get(node.messageId);
  }
  return steps;
};

/** The choices after the reader picked a version; `null` when there is no such message. */
export const choose = (choices: Choices, node: Node): Choices => new Map(choices).set(keyOf(node), node.messageId);

/** The choices that make `messageId` visible: it and all its ancestors. */
export const reveal = <T extends Node>(nodes: readonly T[], choices: Choices, messageId: string): Choices => {
  const byId = new Map(nodes.map((node) => [node.messageId, node]));
  const next = new Map(choices);
  const seen = new Set<string>();
  for (let node = byId.get(messageId); node && !seen.has(node.messageId); node = byId.get(keyOf(node))) {
    seen.add(node.messageId);
    next.set(keyOf(node), node.messageId);
  }
  return next;
};
