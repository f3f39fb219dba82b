export { serveDemoTools } from './serve.ts';
