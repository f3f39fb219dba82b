import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const POM = join(import.meta.dirname, '../../../../scripts/kafka/pom.xml');
const CACHE = process.env['RUNNEL_KAFKA_CACHE'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'runnel/kafka');

/** Maven reaches over the network; everything after the first time is in the cache. */
const MAVEN_MS = 300_000;

/**
 * The class path of the broker, resolved once for each state of the pom. Two processes at once each fill a folder of their own,
 * and the first to finish gives it its name.
 */
export const kafkaClassPath = async (): Promise<string> => {
  const hash = createHash('sha256')
    .update(await readFile(POM))
    .digest('hex')
    .slice(0, 12);
  const folder = join(CACHE, hash);
  if (!existsSync(folder)) {
    const own = `${folder}.${process.pid}`;
    await mkdir(own, { recursive: true });
    const words = ['-B', '-ntp', '-q', '-f', POM, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${own}`];
    await promisify(execFile)('mvn', words, { timeout: MAVEN_MS });
    await rename(own, folder).catch(() => rm(own, { recursive: true, force: true }));
  }
  const jars = (await readdir(folder)).filter((name) => name.endsWith('.jar')).sort();
  if (jars.length === 0) throw new Error(`no jars in ${folder}: remove the folder and try again`);
  return jars.map((name) => join(folder, name)).join(':');
};
