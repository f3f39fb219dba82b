import { Type } from 'typebox';
import type { GatewayContext } from '../context.ts';
import { json, PROBLEMS, type Routes } from './schemas.ts';

export const SIGN_IN_PATH = '/api/sign-in';

const SignIn = Type.Object({
  mode: Type.Enum(['dev', 'jwt'], { description: 'dev: callers say who they are; jwt: a token proves it' }),
  url: Type.Union([Type.String(), Type.Null()], {
    description: 'Where a person signs in; `{return}` in it stands for the address to come back to. null: with an access token',
  }),
});

/** What a page needs before anybody is known: the one call that asks for no identity, and makes no guest. */
export const signInRoutes = (app: Routes, { auth, config }: GatewayContext): void => {
  app.get(
    SIGN_IN_PATH,
    {
      schema: {
        tags: ['Conversations'],
        summary: 'How to sign in; needs no identity',
        security: [],
        response: { 200: json('How to sign in', SignIn), ...PROBLEMS },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store');
      return { mode: auth.mode, url: config.signInUrl ?? null };
    },
  );
};
