/** An event of a response's stream. */
export interface StreamEvent {
  type: string;
  /** Where `encode.ts` and `thoughts.ts` make it: its place, of which `numbers.ts` makes its number. */
  sequence_number: number;
}

export const sse = (event: StreamEvent): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
