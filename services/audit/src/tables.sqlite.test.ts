import { tablesContract } from './contract/tables.ts';

tablesContract('SQLite', async () => 'sqlite::memory:');
