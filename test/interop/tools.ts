/**
 * How the software of others gets onto the machine: by name and pinned version from the ordinary registries, into a cache folder that
 * later runs use again. Lanes keep package managers from waiting on each other's locks.
 */
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { run } from './support/process.ts';

export const cache = process.env['TIDEMARK_INTEROP_CACHE'] ?? join(homedir(), '.cache', 'tidemark-interop');

/** One at a time in each lane. */
export type Lane = 'none' | 'debian' | 'npm' | 'pip' | 'maven' | 'go';

export interface Tool {
  readonly name: string;
  readonly lane: Lane;
  /** One line: how to get it by hand. */
  readonly get: string;
  /** Where it is once installed: an executable, or a folder. */
  readonly path: string;
  /** True when nothing is left to do. */
  readonly ready: () => boolean;
  readonly install: () => Promise<void>;
  /** Installed before it. */
  readonly after?: readonly Tool[];
}

const root = import.meta.dirname;

/** A program of the machine; where Debian has a package of it, root installs that. */
export const program = (name: string, get: string, packages?: readonly string[]): Tool => {
  const find = (): string | undefined =>
    [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/lib/rabbitmq/bin']
      .map((folder) => join(folder, name))
      .find(isExecutable);
  return {
    name,
    lane: packages === undefined ? 'none' : 'debian',
    get,
    get path() {
      return find() ?? name;
    },
    ready: () => find() !== undefined,
    install: async () => {
      if (packages === undefined) throw new Error(`${name} is not on this machine`);
      if (process.getuid?.() !== 0 || !isExecutable('/usr/bin/apt-get')) {
        throw new Error(`${name} is not on this machine, and only root on Debian can install it`);
      }
      await aptUpdate();
      await apt(['install', '-y', '-qq', '--no-install-recommends', ...packages]);
      if (find() === undefined) throw new Error(`${packages.join(' ')} brought no ${name}`);
    },
  };
};

const apt = (args: readonly string[]): Promise<unknown> =>
  run('/usr/bin/apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args], { env: { DEBIAN_FRONTEND: 'noninteractive' } });

let updated: Promise<unknown> | undefined;
const aptUpdate = (): Promise<unknown> => {
  updated ??= apt(['update', '-qq']);
  return updated;
};

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** A folder made once: under its name, and a digest of all that decides what is in it. */
const folder = (
  tool: Pick<Tool, 'name' | 'lane' | 'get' | 'after'>,
  inputs: readonly string[],
  make: (folder: string) => Promise<void>,
  inside = '',
): Tool => {
  const digest = createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 12);
  const place = join(cache, `${tool.name.replaceAll(/[^\w.-]+/g, '-')}-${digest}`);
  const complete = join(place, '.complete');
  return {
    ...tool,
    path: join(place, inside),
    ready: () => existsSync(complete),
    install: async () => {
      if (existsSync(complete)) return;
      const making = `${place}.${process.pid}`;
      rmSync(making, { recursive: true, force: true });
      mkdirSync(making, { recursive: true });
      try {
        await make(making);
        writeFileSync(join(making, '.complete'), '');
        rmSync(place, { recursive: true, force: true });
        renameSync(making, place);
      } finally {
        rmSync(making, { recursive: true, force: true });
      }
    },
  };
};

export const go = program('go', 'install Go 1.26 or later from go.dev');
export const maven = program('mvn', 'apt-get install maven', ['maven', 'default-jdk-headless']);
const python = program('python3', 'apt-get install python3 python3-venv', ['python3', 'python3-venv']);
/** Java 17 or later, with its compiler: programs are run from their source. */
export const java = program('java', 'apt-get install default-jdk-headless', ['default-jdk-headless']);

/** Go leaves the machine to the parts that run meanwhile. */
const goRun = (args: readonly string[], cwd: string): Promise<unknown> =>
  run('nice', [go.path, ...args], { cwd, env: { GOFLAGS: '-mod=mod -buildvcs=false', CGO_ENABLED: '0' } });

/** Programs of a published Go module, at the version and with the replacements that its module asks for. `path` is their folder. */
export const goPrograms = (
  name: string,
  options: {
    readonly packages: readonly string[];
    readonly modulePath: string;
    readonly version: string;
    /** Lines that `go install` would refuse to take from the module itself. */
    readonly replace?: readonly string[];
    readonly tags?: string;
    /** Files that releases build first and the module lacks: made in a copy of it. */
    readonly lacks?: Readonly<Record<string, string>>;
  },
): Tool => {
  const { packages, modulePath, version, replace = [], tags, lacks = {} } = options;
  const copies = Object.keys(lacks).length > 0;
  const lines = [
    'module tidemark.interop',
    'go 1.26',
    `require ${modulePath} ${version}`,
    ...replace,
    ...(copies ? [`replace ${modulePath} => ./copy`] : []),
    '',
  ];
  return folder(
    { name, lane: 'go', get: `install Go 1.26 or later; go build ${packages.join(' ')} at ${version}`, after: [go] },
    [...packages, ...lines, tags ?? '', JSON.stringify(lacks)],
    async (place) => {
      if (copies) {
        const told = await run(go.path, ['mod', 'download', '-json', `${modulePath}@${version}`], { cwd: place });
        cpSync((JSON.parse(told) as { Dir: string }).Dir, join(place, 'copy'), { recursive: true });
        await run('chmod', ['-R', 'u+w', join(place, 'copy')]);
        for (const [file, text] of Object.entries(lacks)) {
          mkdirSync(dirname(join(place, 'copy', file)), { recursive: true });
          writeFileSync(join(place, 'copy', file), text);
        }
      }
      writeFileSync(join(place, 'go.mod'), lines.join('\n'));
      if (!copies) await goRun(['mod', 'download', modulePath], place);
      const flags = tags === undefined ? [] : ['-tags', tags];
      await goRun(['build', ...flags, '-ldflags', '-s -w', '-o', `${place}/`, ...packages], place);
      rmSync(join(place, 'copy'), { recursive: true, force: true });
    },
  );
};

/** A Collector of the components that a manifest for the Collector builder names. `path` is the program. */
export const collectorOf = (name: string, manifest: string, version: string): Tool => {
  const text = readFileSync(join(root, manifest), 'utf8');
  return folder(
    { name, lane: 'go', get: `install Go 1.26 or later; builder --config test/interop/${manifest}`, after: [go] },
    [text, version],
    async (place) => {
      const environment = { GOBIN: place, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' };
      await run('nice', [go.path, 'install', `go.opentelemetry.io/collector/cmd/builder@${version}`], {
        env: environment,
      });
      writeFileSync(join(place, 'builder.yaml'), text);
      // Its output folder is named relative to the manifest.
      await run('nice', [join(place, 'builder'), '--config', 'builder.yaml', '--ldflags', '-s -w'], {
        cwd: place,
        env: environment,
      });
      cpSync(join(place, 'built', name), join(place, name));
      rmSync(join(place, 'built'), { recursive: true, force: true });
      rmSync(join(place, 'builder'));
    },
    name,
  );
};

/** A Go program of ours: a folder of `test/interop` with its own go.mod and go.sum. */
export const goSource = (
  name: string,
  source: string,
  more: {
    readonly after?: readonly Tool[];
    readonly inputs?: readonly string[];
    readonly prepare?: (place: string) => Promise<unknown>;
  } = {},
): Tool => {
  const files = ['main.go', 'go.mod', 'go.sum'];
  return folder(
    {
      name,
      lane: 'go',
      get: `install Go 1.26 or later; go build in test/interop/${source}`,
      after: [go, ...(more.after ?? [])],
    },
    [...files.map((file) => readFileSync(join(root, source, file), 'utf8')), ...(more.inputs ?? [])],
    async (place) => {
      for (const file of files) cpSync(join(root, source, file), join(place, file));
      await more.prepare?.(place);
      await run('nice', [go.path, 'build', '-ldflags', '-s -w', '-o', join(place, name), '.'], {
        cwd: place,
        env: { GOFLAGS: '-mod=readonly -buildvcs=false', CGO_ENABLED: '0' },
      });
    },
    name,
  );
};

/** The packages of `test/interop/npm/package.json`, by its lock file. Nothing of theirs is run at installation. */
export const npmPackages: Tool = folder(
  { name: 'npm-packages', lane: 'npm', get: 'npm ci in test/interop/npm; it needs the npm registry' },
  ['package.json', 'package-lock.json'].map((file) => readFileSync(join(root, 'npm', file), 'utf8')),
  async (place) => {
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(root, 'npm', file), join(place, file));
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: place });
  },
);

/** A module of those packages. */
export const npmRequire = (name: string): unknown => createRequire(join(npmPackages.path, 'package.json'))(name);

/** The installed version of one of those packages. */
export const npmVersion = (name: string): string =>
  (
    JSON.parse(readFileSync(join(npmPackages.path, 'node_modules', name, 'package.json'), 'utf8')) as {
      version: string;
    }
  ).version;

/** One npm package that compiles itself at installation. `path` is the folder that holds its `node_modules`. */
export const scriptedPackage = (name: string, version: string, after: readonly Tool[]): Tool =>
  folder(
    { name, lane: 'npm', get: `npm install ${name}@${version}; it compiles native code`, after },
    [name, version, process.version],
    async (place) => {
      writeFileSync(join(place, 'package.json'), JSON.stringify({ private: true, allowScripts: { [name]: true } }));
      await run('nice', ['npm', 'install', '--no-audit', '--no-fund', '--save-exact', `${name}@${version}`], {
        cwd: place,
      });
    },
  );

/** A Python environment with the packages of a requirements file. `path` is its interpreter. */
export const pythonPackages = (name: string, requirements: string): Tool =>
  folder(
    { name, lane: 'pip', get: `python3 -m venv, pip install -r test/interop/${requirements}`, after: [python] },
    [readFileSync(join(root, requirements), 'utf8')],
    async (place) => {
      await run(python.path, ['-m', 'venv', place]);
      await run(join(place, 'bin', 'python'), [
        '-m',
        'pip',
        'install',
        '-q',
        '--disable-pip-version-check',
        '-r',
        join(root, requirements),
      ]);
    },
    join('bin', 'python'),
  );

/** The jars of a POM and of all that it depends on. `path` is the folder of jars. */
export const jars = (name: string, pom: string): Tool =>
  folder(
    { name, lane: 'maven', get: `mvn dependency:copy-dependencies -f test/interop/${pom}`, after: [java, maven] },
    [readFileSync(join(root, pom), 'utf8')],
    async (place) => {
      await run(maven.path, [
        '-q',
        '-B',
        '-f',
        join(root, pom),
        'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies',
        `-DoutputDirectory=${place}`,
        '-DincludeScope=runtime',
      ]);
    },
  );

export { folder as madeOnce };
