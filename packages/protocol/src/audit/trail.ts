import type { AuditData, AuditEventType } from './data.ts';

/** What stands in the trail in the place of a text, so that the text can be erased and the trail still proves it. */
export interface Digest {
  bytes: number;
  /** Hexadecimal. */
  sha256: string;
}

/** Fields that hold what people or models wrote, by the names events use. */
export const TEXT_FIELDS = ['text', 'title'] as const;
/** Fields that name a person. */
export const PERSON_FIELDS = ['userId', 'author', 'cancelledBy', 'deletedBy', 'decidedBy', 'target'] as const;

const PSEUDONYM = /^~[A-Za-z0-9_-]{43}$/;
/** Whether the trail's name of a person is a pseudonym; rows of 0.1.0 have the id itself. So no person may be called like one. */
export const isPseudonym = (name: string): boolean => PSEUDONYM.test(name);

type TextField = (typeof TEXT_FIELDS)[number];

type WithoutTexts<T> = T extends object ? { [K in keyof T]: K extends TextField ? Digest : WithoutTexts<T[K]> } : T;

/** The `data` of an event as the trail keeps it. */
export type TrailData = { [T in AuditEventType]: WithoutTexts<AuditData[T]> };

type Any = TrailData[AuditEventType];
type NameOf<U> = U extends unknown ? keyof U : never;
type FieldOf<U, K extends PropertyKey> = U extends { [P in K]?: infer V } ? V : never;

/** Every field that some event's data has in the trail: what a view that shows all of them alike reads. */
export type TrailFields = { [K in NameOf<Any>]?: FieldOf<Any, K> | undefined };
