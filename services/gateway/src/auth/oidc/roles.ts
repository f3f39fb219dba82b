/** What a person may beside their own conversations: administer, read everybody's trail, or neither. */
export const ROLES = ['user', 'auditor', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export interface RoleRules {
  /** Name of the claim; a dot goes into an object (`realm_access.roles`) where no claim has the whole name. */
  rolesClaim: string;
  groupsClaim: string;
  adminRoles: readonly string[];
  auditorRoles: readonly string[];
  /** Who has none of these and is neither of the above is not let in; empty: everybody is. */
  userRoles: readonly string[];
}

type Claims = Readonly<Record<string, unknown>>;

const MOST = 200;

/** The words of a claim: a list, or a text of words. Anything else is none. Pure. */
export const wordsOf = (claims: Claims, name: string): string[] => {
  let value: unknown = Object.hasOwn(claims, name) ? claims[name] : undefined;
  if (value === undefined && name.includes('.')) {
    value = claims;
    for (const part of name.split('.')) {
      const within: unknown = value;
      value = typeof within === 'object' && within !== null && Object.hasOwn(within, part) ? (within as Claims)[part] : undefined;
    }
  }
  if (typeof value === 'string') return value.split(/\s+/).filter(Boolean).slice(0, MOST);
  return Array.isArray(value) ? value.filter((word): word is string => typeof word === 'string').slice(0, MOST) : [];
};

/** The role of who has these claims; null: they are not let in. Pure. */
export const roleOf = (claims: Claims, rules: RoleRules): Role | null => {
  const words = new Set(wordsOf(claims, rules.rolesClaim));
  const hasOne = (of: readonly string[]): boolean => of.some((word) => words.has(word));
  if (hasOne(rules.adminRoles)) return 'admin';
  if (hasOne(rules.auditorRoles)) return 'auditor';
  return rules.userRoles.length === 0 || hasOne(rules.userRoles) ? 'user' : null;
};

export const groupsOf = (claims: Claims, rules: Pick<RoleRules, 'groupsClaim'>): string[] => wordsOf(claims, rules.groupsClaim);
