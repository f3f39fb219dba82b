import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const PROGRAMS = ['etcd', 'kube-apiserver'];
const PLACES = [process.env['KUBEBUILDER_ASSETS'], join(homedir(), '.cache/k8s-test/bin'), '/usr/local/kubebuilder/bin'];
/** The folder that has them; undefined: there is none. */
export const assets = PLACES.find((place) => place !== undefined && PROGRAMS.every((name) => existsSync(join(place, name))));

/** Why there is no API server to be had here; undefined: there is. */
export const noKubeServer: string | undefined =
  assets === undefined
    ? 'no etcd and kube-apiserver: set KUBEBUILDER_ASSETS to their folder (setup-envtest brings them, npm run test:k8s builds them)'
    : undefined;
