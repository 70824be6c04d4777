import { readFileSync } from 'node:fs';
import { Failure } from '../lib/model/failure.ts';

/** The bytes of a file that a user named (`-`: standard input), or a Failure that says which and why. */
export const readInput = (path: string | undefined): Buffer => {
  if (path === undefined) throw new Failure('bad-input', 'a file is needed; see --help');
  try {
    return readFileSync(path === '-' ? 0 : path);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOENT'
        ? 'no such file'
        : code === 'EISDIR'
          ? 'is a folder, a file is needed'
          : (thrown as Error).message;
    throw new Failure('not-found', why, { where: path, cause: thrown });
  }
};

/** The parsed JSON of a file that a user named. */
export const readJson = (path: string | undefined): unknown => {
  const text = readInput(path).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new Failure('bad-input', `is not JSON: ${(thrown as Error).message.replace(/\s+/g, ' ')}`, {
      where: path ?? '',
      cause: thrown,
    });
  }
};
