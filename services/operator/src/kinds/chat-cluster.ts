import { Type, type Static } from 'typebox';
import { Conditions, only, rules, type CustomObject } from './shared.ts';

const Scale = (what: string, target: string) =>
  Type.Optional(
    only(
      {
        min: Type.Integer({ minimum: 1, maximum: 1000, description: 'Never fewer pods' }),
        max: Type.Integer({ minimum: 1, maximum: 1000, description: 'Never more' }),
        target: Type.Integer({ minimum: 1, description: target }),
        upPerMinute: Type.Integer({ minimum: 1, maximum: 1000, default: 8, description: 'Pods added within a minute at the most' }),
        downAfterSeconds: Type.Integer({
          minimum: 10,
          maximum: 86_400,
          default: 300,
          description: 'Fewer would have been enough for so long before one is taken away, and again before the next',
        }),
      },
      { description: `How many ${what} there are. Absent: somebody else says`, ...rules(['self.min <= self.max', 'min is above max']) },
    ),
  );

export const ChatClusterSpec = only(
  {
    paused: Type.Boolean({ default: false, description: 'The operator tells how things are, and changes nothing' }),
    gateways: Scale('gateways', 'Sockets that one gateway should hold'),
    ai: Scale('AI pods', 'Answers that one AI pod should write'),
    rolloutGate: Type.Optional(
      only(
        {
          maxFailedPercent: Type.Integer({
            minimum: 0,
            maximum: 100,
            default: 10,
            description: 'Of what new pods ended, so much may have failed while old ones do better',
          }),
          minAnswers: Type.Integer({ minimum: 1, maximum: 10_000, default: 5, description: 'Fewer say nothing' }),
          onBreach: Type.Enum(['Hold', 'Report'], { default: 'Hold', description: 'Hold pauses the Deployment; Report only says so' }),
        },
        { description: 'Holds a rollout of the AI pods whose new pods break answers. Absent: none is held' },
      ),
    ),
  },
  { description: 'One release of Runnel: how it scales' },
);
export type ChatClusterSpec = Static<typeof ChatClusterSpec>;
export type Scale = NonNullable<ChatClusterSpec['ai']>;

const Part = (what: string) =>
  Type.Optional(
    Type.Object(
      {
        replicas: Type.Optional(Type.Integer({ description: 'That are wanted' })),
        ready: Type.Optional(Type.Integer({ description: 'That take part' })),
        versions: Type.Optional(Type.Array(Type.String(), { maxItems: 8, description: 'Images that run' })),
        live: Type.Optional(Type.Integer({ description: what })),
        heard: Type.Optional(Type.Integer({ description: 'Pods that told so within the last half minute' })),
      },
      { description: 'One part of the release' },
    ),
  );

export const ChatClusterStatus = Type.Object({
  observedGeneration: Type.Optional(Type.Integer({ description: 'Which state of the spec this is about' })),
  gateways: Part('Sockets that are open'),
  ai: Part('Answers that are written'),
  audit: Part('Nothing is counted here'),
  models: Type.Optional(Type.String({ description: 'Models that are ready, of all: 4/5' })),
  conditions: Type.Optional(Conditions),
});
export type ChatClusterStatus = Static<typeof ChatClusterStatus>;
export type ChatCluster = CustomObject<ChatClusterSpec, ChatClusterStatus>;
