import { expect, test } from 'vitest';
import { diagramOf, withoutImports } from './diagram.ts';

test('a diagram is taken without what its drawer does not know', () => {
  const text =
    '---\ntitle: One\n---\n%%{init: {"theme": "dark"}}%%\ngraph TD;\n  A-->B; \n%% a comment\n  click A "javascript:alert(1)"\n  B-->C;\n';
  expect(diagramOf('mermaid', text)).toBe('graph TD\n  A-->B\n  B-->C');
  expect(diagramOf('Mermaid', 'sequenceDiagram\n A->>B: hi')).toBe('sequenceDiagram\n A->>B: hi');
});

test.each([
  ['another language', 'ts', 'graph TD\n A-->B'],
  ['a kind that is not drawn', 'mermaid', 'pie title Pets\n "Dogs" : 3'],
  ['a word that only begins like one', 'mermaid', 'graphical TD'],
  ['what is too long', 'mermaid', `graph TD\n${'A-->B\n'.repeat(5_000)}`],
  ['nothing', 'mermaid', ''],
])('%s is no diagram', (_name, language, code) => {
  expect(diagramOf(language, code)).toBeNull();
});

test('a picture asks for no fonts', () => {
  expect(withoutImports("<style>@import url('https://fonts.example/x:400;500');\n text { color: red }</style>")).toBe(
    '<style>\n text { color: red }</style>',
  );
});
