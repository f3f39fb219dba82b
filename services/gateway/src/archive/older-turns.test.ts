import { createMemoryRunLog } from '@runnel/coordination';
import { olderContract } from '../../testing/older-contract.ts';

olderContract('in memory', () => createMemoryRunLog(), 40);
