import { Type, type Static } from 'typebox';
import { ID_PATTERN } from '../ids.ts';

// What a person sets for themselves: the same on every device, exported and erased with the person.

/** A record as the database keeps it; `fields` null: it was taken away. Highest versions count. */
export const StoredRecordList = Type.Object({
  records: Type.Array(
    Type.Object({
      name: Type.String(),
      version: Type.Integer({ minimum: 0 }),
      fields: Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]),
    }),
  ),
});
export type StoredRecordList = Static<typeof StoredRecordList>;

/** Characters of a folder's name, of a reason, of a prompt's name and of its text. */
export const RECORD_CHARS = { folder: 60, reason: 1_000, promptName: 40, promptText: 5_000 } as const;

/** Where a conversation stands in its reader's list; what it is not is absent. */
export const PlaceFields = {
  pinned: Type.Optional(Type.Literal(true, { description: 'Kept at the top of the list' })),
  archived: Type.Optional(Type.Literal(true, { description: 'Not in the list unless asked for' })),
  folder: Type.Optional(Type.String({ description: `A name of the person’s own, at most ${RECORD_CHARS.folder} characters` })),
};

/** Folders are names that conversations have: one without any is none. */
export const FolderList = Type.Object({
  folders: Type.Array(
    Type.Object({ name: Type.String(), count: Type.Integer({ minimum: 1, description: 'Conversations in it that are not archived' }) }),
    { description: 'By name' },
  ),
});
export type FolderList = Static<typeof FolderList>;

export const Rating = Type.Enum(['up', 'down']);
export type Rating = Static<typeof Rating>;
export const Feedback = Type.Object({
  messageId: Type.String({ pattern: ID_PATTERN }),
  rating: Rating,
  reason: Type.Optional(Type.String()),
});
export type Feedback = Static<typeof Feedback>;
export const FeedbackList = Type.Object({ feedback: Type.Array(Feedback) });
export type FeedbackList = Static<typeof FeedbackList>;
/** Body of `PUT …/feedback`; null takes it away. */
export const NewFeedback = Type.Object({
  rating: Type.Union([Rating, Type.Null()]),
  reason: Type.Optional(Type.String({ description: `At most ${RECORD_CHARS.reason} characters` })),
});

/** What stands behind the `/` of the message box: letters of any script, digits, `_` and `-`. */
export const PROMPT_NAME = `^[\\p{L}\\p{N}][\\p{L}\\p{M}\\p{N}_-]{0,${RECORD_CHARS.promptName - 1}}$`;
export const SavedPrompt = Type.Object({
  name: Type.String({ description: `At most ${RECORD_CHARS.promptName} letters, digits, _ and -` }),
  text: Type.String(),
  updatedAt: Type.Integer({ description: 'ms since the epoch' }),
});
export type SavedPrompt = Static<typeof SavedPrompt>;
export const SavedPromptList = Type.Object({
  prompts: Type.Array(SavedPrompt, { description: 'By name' }),
  limit: Type.Integer({ description: 'How many a person may have' }),
});
export type SavedPromptList = Static<typeof SavedPromptList>;

const Choices = {
  theme: Type.Enum(['system', 'light', 'dark']),
  language: Type.String({ pattern: '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$', maxLength: 35, description: 'BCP 47' }),
  sendKey: Type.Enum(['enter', 'mod-enter'], { description: 'What sends: Enter, or Ctrl (Command) with Enter' }),
  sidebar: Type.Enum(['open', 'closed']),
};
/** Choices of the page; what was never chosen is absent, and the device decides. */
export const Settings = Type.Object({
  theme: Type.Optional(Choices.theme),
  language: Type.Optional(Choices.language),
  sendKey: Type.Optional(Choices.sendKey),
  sidebar: Type.Optional(Choices.sidebar),
});
export type Settings = Static<typeof Settings>;
/** Body of `PATCH /api/settings`: null takes a choice back. */
export const SettingsPatch = Type.Object(
  {
    theme: Type.Optional(Type.Union([Choices.theme, Type.Null()])),
    language: Type.Optional(Type.Union([Choices.language, Type.Null()])),
    sendKey: Type.Optional(Type.Union([Choices.sendKey, Type.Null()])),
    sidebar: Type.Optional(Type.Union([Choices.sidebar, Type.Null()])),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type SettingsPatch = Static<typeof SettingsPatch>;
