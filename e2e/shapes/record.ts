// `node e2e/shapes/record.ts && oxfmt e2e/shapes`: writes the shapes that a real run has today. A change of `recorded.json` is one that others see.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tellShapes } from './story.ts';

await writeFile(join(import.meta.dirname, 'recorded.json'), `${JSON.stringify(await tellShapes(), null, 2)}\n`);
