/** Words of PromQL that are followed by `(` or stand between expressions; everything else that is a name is a metric or a label. */
const KEYWORDS = new Set('by without on ignoring group_left group_right and or unless offset bool'.split(' '));

export interface Names {
  metrics: Set<string>;
  /** Labels by how they are used: in a selector, or to group. */
  labels: Set<string>;
  /** Arguments of rate and increase, without their selector. */
  counted: Set<string>;
}

/**
 * Every metric and label an expression names. Not a parser: it knows the few shapes our own queries have, and a name it takes for
 * a metric by mistake fails the test that looks it up.
 */
export const namesIn = (expr: string): Names => {
  const metrics = new Set<string>();
  const labels = new Set<string>();
  const counted = new Set([...expr.matchAll(/\b(?:rate|increase)\(([a-zA-Z_:][\w:]*)/g)].map(([, name]) => name!));
  const bare = expr
    .replaceAll(/\{([^}]*)\}/g, (_, selector: string) => {
      for (const [, label] of selector.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)) labels.add(label!);
      return '';
    })
    .replaceAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g, (_, list: string) => {
      for (const label of list.split(',')) if (label.trim() !== '') labels.add(label.trim());
      return '';
    })
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/"[^"]*"/g, '');
  for (const { 0: name, index } of bare.matchAll(/[a-zA-Z_:][\w:]*/g)) {
    const isCall = /^\s*\(/.test(bare.slice(index + name.length));
    if (!isCall && !KEYWORDS.has(name)) metrics.add(name);
  }
  return { metrics, labels, counted };
};

/** A metric's name without what a histogram's or a summary's series add to it. */
export const familyOf = (name: string, families: ReadonlySet<string>): string => {
  const family = name.replace(/_(bucket|count|sum)$/, '');
  return families.has(name) ? name : family;
};
