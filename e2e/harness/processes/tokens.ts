import { createHmac, randomBytes } from 'node:crypto';

/** Of gateways in `AUTH_MODE=jwt`. */
export const JWT_SECRET = randomBytes(32).toString('hex');

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Headers of a person whom a token proves, for an hour. */
export const bearerOf = (userId: string): { authorization: string } => {
  const now = Math.floor(Date.now() / 1000);
  const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({ sub: userId, iat: now, exp: now + 3600 })}`;
  return { authorization: `Bearer ${signed}.${createHmac('sha256', JWT_SECRET).update(signed).digest('base64url')}` };
};
