import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { choose, pathOf, reveal, type Node } from './tree.ts';

const node = (messageId: string, parentId: string | null): Node => ({ messageId, parentId });
const ids = (nodes: Node[], choices?: ReadonlyMap<string, string>): string =>
  pathOf(nodes, choices)
    .map((step) => step.node.messageId)
    .join(' ');

//  q1 ─ a1 ─ q2 ─ a2
//   └── a1b ─ q3          a1b: regenerated; q1b: edited
//  q1b ─ a3
const TREE = [
  node('q1', null),
  node('a1', 'q1'),
  node('q2', 'a1'),
  node('a2', 'q2'),
  node('a1b', 'q1'),
  node('q3', 'a1b'),
  node('q1b', null),
  node('a3', 'q1b'),
];

describe('the branch on the screen', () => {
  test('leads to the newest message', () => {
    expect(ids([])).toBe('');
    expect(ids(TREE.slice(0, 4))).toBe('q1 a1 q2 a2');
    expect(ids(TREE.slice(0, 6))).toBe('q1 a1b q3');
    expect(ids(TREE)).toBe('q1b a3');
  });

  test('follows the reader, and below the choice the newest again', () => {
    const first = choose(new Map(), TREE[0]!);
    expect(ids(TREE, first)).toBe('q1 a1b q3');
    expect(ids(TREE, choose(first, TREE[1]!))).toBe('q1 a1 q2 a2');
  });

  test('tells the versions of each place, oldest first', () => {
    const [top, answer] = pathOf(TREE, choose(new Map(), TREE[0]!));
    expect(top).toMatchObject({ siblings: ['q1', 'q1b'], index: 0 });
    expect(answer).toMatchObject({ siblings: ['a1', 'a1b'], index: 1 });
  });

  test('reveals a message deep in another branch', () => {
    expect(ids(TREE, reveal(TREE, new Map(), 'a2'))).toBe('q1 a1 q2 a2');
  });

  test('begins where the loaded page begins', () => {
    expect(ids(TREE.slice(2, 4))).toBe('q2 a2');
  });

  test('whatever the tree, it is a chain of children that holds the newest message', () => {
    const trees = fc
      .array(fc.nat(), { minLength: 1, maxLength: 30 })
      .map((parents) => parents.map((parent, i) => node(`m${i}`, parent % (i + 1) === i ? null : `m${parent % (i + 1)}`)));
    fc.assert(
      fc.property(trees, (nodes) => {
        const path = pathOf(nodes).map((step) => step.node);
        path.forEach((step, i) => expect(step.parentId).toBe(path[i - 1]?.messageId ?? null));
        expect(path).toContain(nodes.at(-1));
      }),
    );
  });
});
