import { afterAll, beforeAll, describe } from 'vitest';
import { budgetsContract } from './contract/budgets.ts';
import { borderContract } from './contract/border.ts';
import { editingContract } from './contract/editing.ts';
import { filesContract } from './contract/files.ts';
import { grantsContract } from './contract/grants.ts';
import { finishContract } from './contract/finish.ts';
import { receiptsContract } from './contract/receipts.ts';
import { leasesContract } from './contract/leases.ts';
import { olderTurnsContract } from './contract/older-turns.ts';
import { queuesContract } from './contract/queues.ts';
import { racesContract } from './contract/races.ts';
import { mergingContract } from './contract/merging.ts';
import { modelPlacesContract } from './contract/model-places.ts';
import { lettingGoContract } from './contract/letting-go.ts';
import { partsContract } from './contract/parts.ts';
import { newsContract } from './contract/news.ts';
import { partOwnersContract } from './contract/part-owners.ts';
import { personRecordsContract } from './contract/person-records.ts';
import { presetsContract } from './contract/presets.ts';
import { pagesContract } from './contract/pages.ts';
import { readingContract } from './contract/reading.ts';
import { provingContract } from './contract/proving.ts';
import { comingBackContract } from './contract/coming-back.ts';
import { forkingContract } from './contract/forking.ts';
import { rehydratingContract } from './contract/rehydrating.ts';
import { changedStoreContract } from './contract/changed-store.ts';
import { madeAgainContract } from './contract/made-again.ts';
import { restoringEndsContract } from './contract/restoring-ends.ts';
import { restoringContract } from './contract/restoring.ts';
import { runsContract } from './contract/runs.ts';
import { threadsContract } from './contract/threads.ts';
import { titlesContract } from './contract/titles.ts';
import { storeContract } from './contract/store.ts';
import { switchingContract } from './contract/switching.ts';
import type { Open, Opened } from './contract/world.ts';

/**
 * What every run log keeps, whatever it is made of: all methods, all outcome words, the laws and the promises. Without `changedStore` the
 * slowest part is left out, for who knows that it has nothing to say.
 */
export const runLogContract = (name: string, open: Open, { changedStore = true } = {}): void => {
  describe(name, () => {
    let opened: Opened;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(() => opened?.close());
    const current = (): Opened => opened;
    // First: a cancelled run that another test left held is anybody's once its lease is over, in the middle of a test of what is free.
    describe('queues', () => queuesContract(current));
    describe('border', () => borderContract(current));
    describe('runs', () => runsContract(current));
    describe('finish', () => finishContract(current));
    describe('receipts', () => receiptsContract(current));
    describe('threads', () => threadsContract(current));
    describe('switching models', () => switchingContract(current));
    describe('places of a model', () => modelPlacesContract(current));
    describe('parts', () => partsContract(current));
    describe('letting go', () => lettingGoContract(current));
    describe('owners of parts', () => partOwnersContract(current));
    describe('files', () => filesContract(current));
    describe('leases', () => leasesContract(current));
    describe('reading', () => readingContract(current));
    describe('pages', () => pagesContract(current));
    describe('budgets', () => budgetsContract(current));
    describe('grants', () => grantsContract(current));
    describe('editing', () => editingContract(current));
    describe('titles', () => titlesContract(current, { changedStore }));
    describe('news', () => newsContract(current));
    describe('person records', () => personRecordsContract(current));
    describe('presets', () => presetsContract(current));
    describe('restoring', () => restoringContract(current));
    describe('restoring ends', () => restoringEndsContract(current));
    describe('proving', () => provingContract(current));
    describe('merging', () => mergingContract(current));
    describe('older turns', () => olderTurnsContract(current));
    describe('forking', () => forkingContract(current));
    describe('rehydrating', () => rehydratingContract(current));
    describe('coming back', () => comingBackContract(current));
    describe('races', () => racesContract(current));
    describe('store', () => storeContract(current));
    if (changedStore) describe('a changed store', () => changedStoreContract(current));
    if (changedStore) describe('made again', () => madeAgainContract(current));
  });
};
