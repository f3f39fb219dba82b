import { SignInWay } from '@runnel/protocol/http';
import type { GatewayContext } from '../../context.ts';
import { json, PROBLEMS, type Routes } from '../plumbing/schemas.ts';

export const SIGN_IN_PATH = '/api/sign-in';

export const signInRoutes = (app: Routes, { auth, config, oidc }: GatewayContext): void => {
  app.get(
    SIGN_IN_PATH,
    {
      schema: {
        tags: ['Conversations'],
        operationId: 'readSignInWay',
        summary: 'How to sign in; needs no identity',
        security: [],
        response: { 200: json('How to sign in', SignInWay), ...PROBLEMS },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      return {
        mode: auth.mode,
        url: config.signInUrl ?? (oidc && `${new URL(oidc.publicUrl).pathname.replace(/\/$/, '')}${SIGN_IN_PATH}/start?return={return}`),
      };
    },
  );
};
