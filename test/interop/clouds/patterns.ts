/** Operators of event patterns, each with details that it must match and details that it must not. */
export const patterns: readonly {
  readonly name: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly yes: readonly object[];
  readonly no: readonly object[];
}[] = [
  {
    name: 'exact',
    detail: { a: ['x', 1, null] },
    yes: [{ a: 'x' }, { a: 1 }, { a: null }, { a: ['y', 'x'] }],
    no: [{ a: 'X' }, { b: 'x' }],
  },
  { name: 'prefix', detail: { a: [{ prefix: 'or' }] }, yes: [{ a: 'order' }], no: [{ a: 'Order' }, { a: 'o' }] },
  { name: 'suffix', detail: { a: [{ suffix: '.png' }] }, yes: [{ a: 'x.png' }], no: [{ a: 'png' }] },
  { name: 'wildcard', detail: { a: [{ wildcard: 'a*c*e' }] }, yes: [{ a: 'abcde' }, { a: 'ace' }], no: [{ a: 'abd' }] },
  { name: 'anything-but', detail: { a: [{ 'anything-but': ['x', 'y'] }] }, yes: [{ a: 'z' }], no: [{ a: 'x' }, {}] },
  {
    name: 'anything-but-prefix',
    detail: { a: [{ 'anything-but': { prefix: 'x' } }] },
    yes: [{ a: 'yx' }],
    no: [{ a: 'xy' }],
  },
  {
    name: 'numeric',
    detail: { a: [{ numeric: ['>', 0, '<=', 5] }] },
    yes: [{ a: 5 }, { a: 0.1 }],
    no: [{ a: 0 }, { a: 6 }, { a: '3' }],
  },
  {
    name: 'exists',
    detail: { a: [{ exists: true }], b: [{ exists: false }] },
    yes: [{ a: null }],
    no: [{ a: 1, b: 1 }, {}],
  },
  {
    name: 'equals-ignore-case',
    detail: { a: [{ 'equals-ignore-case': 'Ab' }] },
    yes: [{ a: 'aB' }],
    no: [{ a: 'abc' }],
  },
  { name: 'cidr', detail: { a: [{ cidr: '10.0.0.0/24' }] }, yes: [{ a: '10.0.0.255' }], no: [{ a: '10.0.1.0' }] },
  {
    name: 'or',
    detail: { $or: [{ a: ['x'] }, { b: [{ numeric: ['>', 1] }] }] },
    yes: [{ a: 'x' }, { b: 2 }],
    no: [{ a: 'y', b: 1 }],
  },
];
