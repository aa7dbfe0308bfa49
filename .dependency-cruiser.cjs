// Who may import whom: the arrows of docs/architecture.md. Inside core a folder may import only those to its right.
const coreOrder = [
  'handlers',
  'installer',
  'editors',
  'gateway',
  'builtin',
  'provenance',
  'router',
  'upstream',
  'oauth',
  'supervisor',
  'config',
  'secrets',
  'observe',
]

const forbid = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to: { path: to } })

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-dev-dependencies-in-the-product',
      severity: 'error',
      from: { path: '^src-(main|shim)/', pathNot: '\\.test\\.ts$|^src-main/testing/' },
      to: { dependencyTypes: ['npm-dev'] },
    },
    {
      name: 'electron-only-in-the-shell',
      severity: 'error',
      from: { pathNot: '^src-main/(shell|preload)/|^src-main/main\\.ts$' },
      to: { path: '(^|/)electron(/|$)', pathNot: '^src-main/' },
    },
    forbid(
      'contract-stands-alone',
      '^src-main/contract/',
      '^(src-main/(?!contract/)|src-renderer/|src-shim/)',
    ),
    {
      name: 'base-stands-alone',
      severity: 'error',
      from: { path: '^src-main/base/' },
      to: { path: '^(src-main/(?!base/)|src-renderer/|src-shim/)' },
    },
    forbid(
      'core-knows-no-host',
      '^src-main/core/',
      '^(src-main/(shell|preload|cli|main\\.ts)|src-renderer/|src-shim/)',
    ),
    {
      name: 'testing-is-for-tests',
      severity: 'error',
      from: { pathNot: '\\.(test|spec)\\.ts$|^src-main/testing/|^e2e/|^bench/' },
      to: { path: '^src-main/testing/' },
    },
    forbid('preload-is-alone', '^src-main/preload/', '^src-main/(?!preload/)'),
    forbid('renderer-sees-only-the-contract', '^src-renderer/', '^src-main/(?!contract/)'),
    forbid(
      'shim-sees-only-the-rendezvous',
      '^src-shim/',
      '^(src-renderer/|src-main/(?!contract/rendezvous\\.ts|base/json-(head|lines)\\.ts))',
    ),
    ...coreOrder.map((folder, index) =>
      forbid(
        `core-order: ${folder}`,
        `^src-main/core/${folder}/`,
        `^src-main/core/(${[...coreOrder.slice(0, index), 'create-core'].join('|')})(/|\\.ts|$)`,
      ),
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
    tsConfig: { fileName: 'tsconfig.base.json' },
  },
}
