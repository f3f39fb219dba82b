/** Characters of a title; a longer one is cut. */
const MAX_TITLE = 80;
/** Characters of what may become one; beyond it somebody meant something else than a title. */
export const MAX_GIVEN_TITLE = 200;

/** Cut with an ellipsis where it is too long for a title. */
export const clipTitle = (text: string): string => {
  const characters = [...text];
  return characters.length <= MAX_TITLE
    ? text
    : `${characters
        .slice(0, MAX_TITLE - 1)
        .join('')
        .trimEnd()}…`;
};

/** A new conversation is called by the first line of its first prompt. */
export const titleOf = (text: string): string => clipTitle((text.trim().split('\n', 1)[0] ?? '').replace(/\s+/g, ' ').trim());
