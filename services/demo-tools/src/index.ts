export { serveDemoTools, type ServedTools } from './serve.ts';
