/** How long a store that answers others is waited for (decision 0009): of a thousand prompts in one second, none is better off with an error. */
export const BUSY_STORE_MS = 5000;
