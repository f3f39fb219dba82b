/** Characters of why a thumb was given; as the server takes them. */
export const REASON_CHARS = 1_000;
