import { expect, test } from 'vitest';
import { groupsLost, groupsOf, roleOf, wordsOf } from './roles.ts';

const rules = { rolesClaim: 'roles', groupsClaim: 'groups', adminRoles: ['boss'], auditorRoles: ['audit'], userRoles: [] };

test.each([
  [{ roles: ['boss', 'audit'] }, 'admin'],
  [{ roles: 'audit other' }, 'auditor'],
  [{ roles: ['Boss'] }, 'user'],
  [{ roles: [['boss']] }, 'user'],
  [{ roles: { boss: true } }, 'user'],
  [{}, 'user'],
  [JSON.parse('{"__proto__": {"roles": ["boss"]}}') as object, 'user'],
])('A-12 the role of %j is %s', (claims, role) => {
  expect(roleOf(claims as Record<string, unknown>, rules)).toBe(role);
});

test('A-12 where roles of users are named, others are not let in, and admins and auditors are', () => {
  const strict = { ...rules, userRoles: ['staff'] };
  expect(roleOf({ roles: ['staff'] }, strict)).toBe('user');
  expect(roleOf({ roles: ['guest'] }, strict)).toBe(null);
  expect(roleOf({}, strict)).toBe(null);
  expect(roleOf({ roles: ['boss'] }, strict)).toBe('admin');
});

test('a claim may lie within another, and one with the whole name wins', () => {
  expect(wordsOf({ realm_access: { roles: ['boss'] } }, 'realm_access.roles')).toEqual(['boss']);
  expect(wordsOf({ 'https://x/roles': ['a'] }, 'https://x/roles')).toEqual(['a']);
  expect(wordsOf({ 'a.b': ['whole'], a: { b: ['within'] } }, 'a.b')).toEqual(['whole']);
  expect(wordsOf({ a: 'text' }, 'a.b')).toEqual([]);
  expect(groupsOf({ groups: ['x', 3, 'y'] }, rules)).toEqual(['x', 'y']);
});

const many = Array.from({ length: 201 }, (_, i) => `g${i}`);
test.each<[string, Record<string, unknown>, string | null]>([
  ['none', {}, null],
  ['as many as are kept', { groups: many.slice(1) }, null],
  ['more than are kept', { groups: many }, 'too-many'],
  ['told by an address, as Entra ID does', { _claim_names: { groups: 'src1' }, _claim_sources: {} }, 'elsewhere'],
  ['known to be there', { hasgroups: true }, 'elsewhere'],
  ['other claims told by an address', { _claim_names: { photo: 'src1' } }, null],
  ['nothing that says where', { _claim_names: null, hasgroups: 'no' }, null],
])('A-12 groups that are %s', (_name, claims, lost) => {
  expect(groupsLost(claims, rules)).toBe(lost);
  expect(groupsOf(claims, rules).length).toBeLessThanOrEqual(200);
});

test('A-12 a role is found however many somebody has: an admin of many groups stays one', () => {
  expect(roleOf({ groups: [...many, 'boss'] }, { ...rules, rolesClaim: 'groups' })).toBe('admin');
});
