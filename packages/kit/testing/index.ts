export * from './browser.ts';
export * from './ports.ts';
