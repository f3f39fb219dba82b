import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PROGRAMS = ['etcd', 'kube-apiserver'];

const canRun = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/**
 * The folder that has an API server; undefined: none is here, and its tests are skipped. Who names a folder means it.
 *
 * @throws Error where the folder that is named lacks a program, or where a place has one of them without the other
 */
export const findKubeServer = (named: string | undefined, places: readonly string[], runs: (path: string) => boolean = canRun) => {
  const lackingIn = (place: string): string[] => PROGRAMS.filter((name) => !runs(join(place, name)));
  for (const place of named === undefined || named === '' ? places : [named]) {
    const lacking = lackingIn(place);
    if (lacking.length === 0) return place;
    if (place === named) throw new Error(`KUBEBUILDER_ASSETS is ${named}, and has no ${lacking.join(' and no ')} that can be run`);
    if (lacking.length < PROGRAMS.length) throw new Error(`${place} is broken: it has no ${lacking.join(' and no ')} that can be run`);
  }
  return undefined;
};

const PLACES = [join(homedir(), '.cache/k8s-test/bin'), '/usr/local/kubebuilder/bin'];
/** The folder that has them; undefined: there is none. */
export const assets = findKubeServer(process.env['KUBEBUILDER_ASSETS'], PLACES);

/** A program beside them. */
export const kubeProgram = (name: string): string => join(assets!, name);

/** Why there is no API server to be had here; undefined: there is. */
export const noKubeServer: string | undefined =
  assets === undefined
    ? 'no etcd and kube-apiserver: set KUBEBUILDER_ASSETS to their folder (setup-envtest brings them, npm run test:k8s builds them)'
    : undefined;
