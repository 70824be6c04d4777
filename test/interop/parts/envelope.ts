import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { decodeEnvelope, encodeEnvelope, formatTimestamp, parseTimestamp } from '../../../lib/message/envelope.ts';
import { type Part, present, type Report, same } from '../part.ts';
import { run, withFolder } from '../support/process.ts';
import { go, goSource, jars, java, madeOnce, maven, npmPackages, npmVersion, pythonPackages } from '../tools.ts';

const folder = join(import.meta.dirname, '../envelope');
const proto = join(import.meta.dirname, '../../../lib/message/envelope.proto');
const protobuf = '4.36.2';
const protobufGo = 'v1.36.12';

const platform = `${process.platform === 'darwin' ? 'osx' : 'linux'}-${process.arch === 'arm64' ? 'aarch_64' : 'x86_64'}`;

/** The compiler that comes with protobuf-java of the same version. */
const protoc = madeOnce(
  { name: 'protoc', lane: 'maven', get: 'mvn dependency:copy com.google.protobuf:protoc', after: [java, maven] },
  [protobuf, platform],
  async (place) => {
    const artifact = `com.google.protobuf:protoc:${protobuf}:exe:${platform}`;
    const goal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';
    await run(maven.path, ['-q', '-B', goal, `-Dartifact=${artifact}`, `-DoutputDirectory=${place}`]);
    const file = present(readdirSync(place)[0], 'the program in the artifact');
    cpSync(join(place, file), join(place, 'protoc'));
    chmodSync(join(place, 'protoc'), 0o755);
  },
  'protoc',
);

const generate = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> =>
  run(protoc.path, ['-I', join(proto, '..'), ...args, 'envelope.proto'], { env });

const javaLibrary = jars('protobuf-java', 'envelope/java/pom.xml');
const javaProgram = madeOnce(
  { name: 'envelope-java', lane: 'maven', get: 'a JDK of 17 or later', after: [javaLibrary, protoc] },
  [javaLibrary.path, readFileSync(proto, 'utf8'), readFileSync(join(folder, 'java/Main.java'), 'utf8')],
  async (place) => {
    await generate([`--java_out=${place}`]);
    const source = join(place, 'tidemark/v1/EnvelopeOuterClass.java');
    const classPath = join(javaLibrary.path, '*');
    await run(`${java.path}c`, ['-nowarn', '-cp', classPath, '-d', place, source, join(folder, 'java/Main.java')]);
  },
);

const goProgram = goSource('envelope-go', 'envelope/go', {
  after: [protoc],
  inputs: [protobufGo, readFileSync(proto, 'utf8')],
  prepare: async (place) => {
    await run(go.path, ['install', `google.golang.org/protobuf/cmd/protoc-gen-go@${protobufGo}`], {
      env: { GOBIN: place },
    });
    mkdirSync(join(place, 'tidemarkv1'));
    const option = '--go_opt=paths=source_relative,Menvelope.proto=tidemark.interop/envelope/tidemarkv1';
    const plugin = `--plugin=${join(place, 'protoc-gen-go')}`;
    await generate([plugin, `--go_out=${join(place, 'tidemarkv1')}`, option]);
  },
});

const python = pythonPackages('protobuf-python', 'envelope/python/requirements.txt');

interface Case {
  readonly name: string;
  /** Base64, as are the bytes of payloads and answers. */
  readonly bytes: string;
  readonly payload: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Answer {
  readonly payload: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** What was read, written again. */
  readonly again: string;
  /** An envelope written from the payload and metadata of the case. */
  readonly built: string;
  /** Of `x-timestamp`, as the language's own time holds it. */
  readonly nanos?: string;
  readonly time?: string;
  /** Of Python: its `datetime`. */
  readonly datetime?: string;
}

interface Language {
  readonly name: string;
  readonly runtime: string;
  readonly time: string;
  readonly version: () => Promise<string> | string;
  readonly answer: (cases: readonly Case[], place: string) => Promise<string>;
}

const input = (cases: readonly Case[]) => JSON.stringify(cases);

const languages: readonly Language[] = [
  {
    name: 'Java',
    runtime: 'protobuf-java',
    time: '`Instant`',
    version: () => protobuf,
    answer: (cases) =>
      run(java.path, ['-cp', `${javaProgram.path}:${join(javaLibrary.path, '*')}`, 'Main'], { input: input(cases) }),
  },
  {
    name: 'Go',
    runtime: 'google.golang.org/protobuf',
    time: '`time.Time`',
    version: () => protobufGo.slice(1),
    answer: (cases) => run(goProgram.path, [], { input: input(cases) }),
  },
  {
    name: 'Python',
    runtime: 'protobuf',
    time: '`Timestamp`; `datetime` has microseconds',
    version: async () =>
      (await run(python.path, ['-c', 'import google.protobuf; print(google.protobuf.__version__, end="")'])).trim(),
    answer: async (cases, place) => {
      await generate([`--python_out=${place}`]);
      return run(python.path, [join(folder, 'python/main.py')], { input: input(cases), env: { PYTHONPATH: place } });
    },
  },
];

/** Java, Go and Python read and write the envelope with their own protobuf libraries; buf guards its schema. */
export const part: Part = {
  name: 'envelope',
  title: 'The envelope in Java, Go and Python, and its schema',
  tools: [npmPackages, python, javaLibrary, protoc, javaProgram, goProgram],
  run: async (report) => {
    const shared = vectors();
    const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
    const drawn = samples(seed, 300);
    const rows: string[][] = [];
    for (const language of languages) rows.push(await speaks(report, language, shared, drawn, seed));
    report.table(
      'Compatibility of the envelope',
      [
        'Language',
        'Runtime',
        'Reads metadata alike',
        'Writes the same bytes',
        'Keeps unknown fields',
        '`x-timestamp`',
        'In',
      ],
      rows,
    );
    await guards(report);
  },
};

const vectors = (): Case[] => {
  const file = join(import.meta.dirname, '../../message/data/envelope-vectors.json');
  const { vectors: all } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: (Case & { unknown?: string })[] };
  if (!all.some(({ unknown }) => unknown !== undefined)) throw new Error('no vector has unknown fields');
  return all.map(({ name, bytes, payload, metadata }) => ({
    name,
    bytes,
    payload: Buffer.from(payload).toString('base64'),
    metadata,
  }));
};

/**
 * Characters whose order is the same by UTF-16, as Java and we sort keys, and by code point, as Go and Python do. No backslash: the
 * JSON.parse of Node 24.21 takes the key `"\""` for `"\\"` where an object before it had that one, and the answers come in JSON.
 */
const key = fc.oneof(
  fc.string().filter((text) => !/["\\]/.test(text)),
  fc.constantFrom('traceparent', 'tracestate', 'b3', 'x-own', 'größe', '订单'),
);

/** Fields of a later version, of every kind on the wire, by number: Java writes them in that order. */
const laterFields = ['189601', '2201ff', '29ffffffffffffffff', '35ffffffff', 'fa7f00'];

const samples = (seed: number, count: number): Case[] =>
  fc
    .sample(
      fc.record({
        payload: fc.uint8Array({ maxLength: 300 }),
        metadata: fc.dictionary(key, fc.string({ unit: 'grapheme' }), { maxKeys: 20 }),
        at: fc.option(fc.bigInt(0n, 4_102_444_800_000_000_000n), { nil: undefined }),
        unknown: fc.subarray(laterFields),
      }),
      { numRuns: count, seed },
    )
    .map(({ payload, metadata, at, unknown }, index) => {
      const all = at === undefined ? { ...metadata } : { ...metadata, 'x-timestamp': formatTimestamp(at) };
      const keys = Object.keys(all);
      // Python's runtime writes a key before the one that it begins with.
      const stamped = Object.fromEntries(
        Object.entries(all).filter(([name]) => !keys.some((other) => other !== name && other.startsWith(name))),
      );
      const bytes = encodeEnvelope({ payload, metadata: stamped, unknown: Buffer.from(unknown.join(''), 'hex') });
      return {
        name: `drawn ${index}`,
        bytes: Buffer.from(bytes).toString('base64'),
        payload: Buffer.from(payload).toString('base64'),
        metadata: stamped,
      };
    });

const speaks = async (
  report: Report,
  language: Language,
  shared: readonly Case[],
  drawn: readonly Case[],
  seed: number,
): Promise<string[]> => {
  const version = await language.version();
  const peer = report.peer(`${language.name} (${language.runtime})`, version);
  const cases = [...shared, ...drawn];
  const answers = await peer.holds('reads every vector, and hundreds of drawn envelopes', async () => {
    const given = JSON.parse(await withFolder((place) => language.answer(cases, place))) as Answer[];
    same(given.length, cases.length, 'number of answers');
    given.forEach((answer, index) => {
      const each = cases[index] as Case;
      const what = `${each.name} (seed ${seed})`;
      same(answer.payload, each.payload, `${what}: payload`);
      same(answer.metadata, each.metadata, `${what}: metadata`);
    });
    return given;
  });
  const each = (check: (answer: Answer, of: Case, what: string) => void) =>
    answers.forEach((answer, index) => {
      const of = cases[index] as Case;
      check(answer, of, `${of.name} (seed ${seed})`);
    });
  await peer.holds('writes the same bytes as we do from the same payload and metadata, and we read them', () =>
    each(({ built }, { payload, metadata }, what) => {
      const bytes = Buffer.from(built, 'base64');
      const ours = encodeEnvelope({ payload: Buffer.from(payload, 'base64'), metadata });
      same(bytes, Buffer.from(ours), `${what}: bytes`);
      const read = decodeEnvelope(bytes);
      if (typeof read === 'string') throw new Error(`${what}: we read it as no envelope: it ${read}`);
      same({ ...read.metadata }, metadata, `${what}: metadata that we read`);
    }),
  );
  await peer.holds('keeps keys and fields that it does not know, byte for byte', () =>
    each(({ again }, { bytes }, what) =>
      same(Buffer.from(again, 'base64'), Buffer.from(bytes, 'base64'), `${what}: bytes`),
    ),
  );
  peer.leaves(
    'equal bytes where one key begins another, or has characters past U+FFFF: protobuf defines no order of keys, and runtimes differ in it',
  );
  const stamped = answers.filter(({ nanos }) => nanos !== undefined).length;
  await peer.holds('keeps every nanosecond of x-timestamp in a time of its own', () => {
    if (stamped < 10) throw new Error(`only ${stamped} cases have a timestamp`);
    each(({ nanos, time }, { metadata }, what) => {
      const stamp = metadata['x-timestamp'];
      if (stamp === undefined) return;
      same(nanos, String(parseTimestamp(stamp)), `${what}: nanoseconds`);
      same(parseTimestamp(String(time)), parseTimestamp(stamp), `${what}: the time as it prints it`);
    });
  });
  return [language.name, `${language.runtime} ${version}`, 'yes', 'yes', 'yes', 'nanoseconds', language.time];
};

/** Ways to break readers of older messages, by the rule that has to name each. */
const breaking: readonly (readonly [rule: string, from: string, to: string])[] = [
  ['FIELD_SAME_NAME', 'bytes payload = 1', 'bytes content = 1'],
  ['FIELD_SAME_TYPE', 'bytes payload = 1', 'string payload = 1'],
  ['FIELD_NO_DELETE', 'metadata = 2', 'metadata = 3'],
  ['FIELD_NO_DELETE', '  bytes payload = 1;\n', ''],
  ['FIELD_SAME_CARDINALITY', 'bytes payload = 1', 'repeated bytes payload = 1'],
  ['MESSAGE_NO_DELETE', 'message Envelope', 'message Wrapper'],
  ['FILE_SAME_PACKAGE', 'package tidemark.v1;', 'package tidemark.v2;'],
];

/**
 * The schema is linted, and held against the one that readers out there have: `envelope/envelope.binpb`. After a change that adds
 * something, run this part once with TIDEMARK_RENEW_BASELINE=1: the new baseline is then a change of that file, to be reviewed.
 */
const guards = async (report: Report): Promise<void> => {
  const peer = report.peer('buf', npmVersion('@bufbuild/buf'));
  const text = readFileSync(proto, 'utf8');
  await withFolder(async (place) => {
    const file = join(place, 'tidemark/v1/envelope.proto');
    const buf = (...args: string[]) =>
      run(process.execPath, [join(npmPackages.path, 'node_modules/@bufbuild/buf/bin/buf'), ...args], { cwd: place });
    mkdirSync(join(file, '..'), { recursive: true });
    cpSync(join(folder, 'buf.yaml'), join(place, 'buf.yaml'));
    writeFileSync(file, text);
    const baseline = join(folder, 'envelope.binpb');
    if (process.env['TIDEMARK_RENEW_BASELINE'] === '1') await buf('build', '-o', baseline);
    const against = () => buf('breaking', '--error-format', 'json', '--against', baseline);
    await peer.holds('finds nothing in the schema by its standard and comment rules', () => buf('lint'));
    await peer.holds('finds the schema compatible with the one that is out there', against);
    await peer.holds('finds one more field compatible', async () => {
      writeFileSync(file, text.replace(/\}\s*$/, '  // One more.\n  string more = 3;\n}\n'));
      await against();
    });
    await peer.holds(`names each of ${breaking.length} breaking changes`, async () => {
      for (const [rule, from, to] of breaking) {
        if (!text.includes(from)) throw new Error(`the schema has no '${from}' to change`);
        writeFileSync(file, text.replace(from, to));
        let told = 'nothing';
        try {
          await against();
        } catch (thrown) {
          told = (thrown as Error).message;
        }
        if (!told.includes(`"type":"${rule}"`))
          throw new Error(`'${from}' → '${to}': ${rule} expected, it told ${told}`);
      }
    });
  });
};
