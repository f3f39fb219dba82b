/** What happened to a person's list of conversations, or to what they set for themselves. */
export const LIST_CHANGES = [
  ...(['answering', 'waiting', 'answered', 'changed', 'deleted'] as const),
  ...(['place', 'feedback', 'prompt', 'setting', 'missed'] as const),
] as const;
export type ListChange = (typeof LIST_CHANGES)[number];
/** A hint for who said `list` in their `hello`: the list is worth reading again, or at least one line of it changed. */
export interface ListEvent {
  type: 'list';
  change: ListChange;
  /** Of the conversation; of the record where the change is one of a record's kinds. */
  name?: string;
  title?: string;
}
