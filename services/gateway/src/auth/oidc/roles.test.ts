import { expect, test } from 'vitest';
import { groupsOf, roleOf, wordsOf } from './roles.ts';

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
