// Only `frames.ts` and `codec.ts` import typebox at run time: what a page uses stands outside of them, so that a bundler leaves them out.
export * from './close-codes.ts';
export * from './codec.ts';
export * from './context-window.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './list-event.ts';
export * from './frames.ts';
export * from './ids.ts';
export * from './merge.ts';
export * from './message.ts';
export * from './parts.ts';
export * from './position.ts';
export * from './prefix.ts';
export * from './run-state.ts';
export * from './text.ts';
export * from './version.ts';
