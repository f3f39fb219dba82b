/** Bytes at the end of an export in which its last line stands. */
export const TAIL_BYTES = 1_024;

/** Whether an export came whole: its last line says so. Pure. */
export const endsWhole = (tail: string): boolean => {
  try {
    const last = JSON.parse(tail.trimEnd().split('\n').at(-1) ?? '') as { type?: unknown } | null;
    return tail.endsWith('\n') && last?.type === 'end';
  } catch {
    return false;
  }
};
