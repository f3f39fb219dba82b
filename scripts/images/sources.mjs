/** Folders of a workspace that no process of ours imports at run time: tests, their helpers, benches, what was built. */
const NOT_RUN = /(^|\/)(node_modules|testing|test|bench|dist)(\/|$)|\.test\.ts$|\.contract\.ts$/;

/** Whether a path within the checkout goes into a service's image. Pure. */
export const isInImage = (path) => !NOT_RUN.test(path);
