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

/** Groups that are kept of a person. */
const MOST_GROUPS = 200;

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
  if (typeof value === 'string') return value.split(/\s+/).filter(Boolean);
  return Array.isArray(value) ? value.filter((word): word is string => typeof word === 'string') : [];
};

/** The role of who has these claims; null: they are not let in. Pure. */
export const roleOf = (claims: Claims, rules: RoleRules): Role | null => {
  const words = new Set(wordsOf(claims, rules.rolesClaim));
  const hasOne = (of: readonly string[]): boolean => of.some((word) => words.has(word));
  if (hasOne(rules.adminRoles)) return 'admin';
  if (hasOne(rules.auditorRoles)) return 'auditor';
  return rules.userRoles.length === 0 || hasOne(rules.userRoles) ? 'user' : null;
};

type GroupRules = Pick<RoleRules, 'groupsClaim'>;

export const groupsOf = (claims: Claims, { groupsClaim }: GroupRules): string[] => wordsOf(claims, groupsClaim).slice(0, MOST_GROUPS);

/**
 * Whether somebody has groups that are not known here. `too-many`: more than are kept; `elsewhere`: the provider says where to ask for them instead
 * of which they are, as Entra ID does above 200 (`_claim_names`). Pure.
 */
export const groupsLost = (claims: Claims, { groupsClaim }: GroupRules): 'too-many' | 'elsewhere' | null => {
  const { _claim_names: elsewhere } = claims;
  const isElsewhere = typeof elsewhere === 'object' && elsewhere !== null && Object.hasOwn(elsewhere, groupsClaim);
  if (isElsewhere || (groupsClaim === 'groups' && claims['hasgroups'] === true)) return 'elsewhere';
  return wordsOf(claims, groupsClaim).length > MOST_GROUPS ? 'too-many' : null;
};
