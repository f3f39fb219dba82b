/** So many items or rows are laid out together. */
const MOST = 40;

/** A table of its own below, with the columns of the first: a browser lays a table out whole, whatever of it is new. */
const nextTable = (table: HTMLTableElement): HTMLTableSectionElement => {
  const widths = [...(table.parentElement!.querySelector('tr')?.children ?? [])].map((cell) => cell.getBoundingClientRect().width);
  const next = document.createElement('table');
  next.className = 'part';
  const { width } = table.getBoundingClientRect();
  // Nothing can be measured of what is not shown.
  if (width > 0) next.style.width = `${width}px`;
  const columns = document.createElement('colgroup');
  for (const one of widths) columns.append(Object.assign(document.createElement('col'), { width: String(Math.round(one)) }));
  const body = document.createElement('tbody');
  next.append(columns, body);
  table.after(next);
  return body;
};

const nextList = (list: Element): Element => {
  const next = list.cloneNode(false) as Element;
  if (list.tagName === 'OL') next.setAttribute('start', String(Number(list.getAttribute('start') ?? 1) + list.childElementCount));
  list.after(next);
  return next;
};

/** Where the next item or row of a growing list or table is put: below the last one, or in a new part of it once a part is full. */
export const roomFor = (holder: Element): Element => {
  if (holder.childElementCount < MOST) return holder;
  const table = holder.closest('table');
  (table ?? holder).classList.add('part');
  return table ? nextTable(table) : nextList(holder);
};

/** The parts are one again, with what is selected in them. */
export const joinParts = (host: Element): void => {
  const [first, ...others] = host.querySelectorAll<HTMLElement>('.part');
  if (!first) return;
  const selected = getSelection();
  const kept = selected && host.contains(selected.anchorNode) && host.contains(selected.focusNode) ? rangeOf(selected) : null;
  const home = first.querySelector(':scope > tbody') ?? first;
  for (const other of others) {
    home.append(...(other.querySelector(':scope > tbody') ?? other).children);
    other.remove();
  }
  first.removeAttribute('class');
  if (kept?.anchor && kept.focus) selected?.setBaseAndExtent(kept.anchor, kept.from, kept.focus, kept.to);
};

const rangeOf = ({ anchorNode, anchorOffset, focusNode, focusOffset }: Selection) => ({
  ...{ anchor: anchorNode, from: anchorOffset, focus: focusNode, to: focusOffset },
});
